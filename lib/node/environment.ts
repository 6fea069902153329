/**
 * The environment of a cluster's steps on the nodes. It is complete, because flux exec would
 * otherwise pass on the environment of its caller. The agent and steps/stage.sh add the values that
 * differ between nodes.
 */
import type { ScheduleOnLead } from "../cluster/request.js";
import { HOOKS } from "../cluster/steps.js";
import type { Adjustment } from "../config/schema.js";
import { ofCluster } from "../config/site-environment.js";
import type { Hooks, TemplateOptions } from "../config/template.js";
import { encodeInOrder } from "../flux/hostlist.js";
import { decodeIdset } from "../flux/idset.js";
import type { Claim } from "../record/events.js";
import { composeCommand } from "../usernetes/engine.js";
import { archive, marker, nodeName } from "../usernetes/names.js";
import { portVariablesOf, type Ports } from "../usernetes/ports.js";

export interface Site {
  /** PATH and FLUX_URI, and the variables that --pass-env names. */
  base: Record<string, string>;
  template: string;
  /** The keys that go with the template. */
  options: TemplateOptions;
  /** The template is a directory that the job's user named; stage checks that the user owns it. */
  isUsers?: true;
  interface: string | undefined;
  /** Whether nodes share work directories; "auto" detects it. */
  shared: "auto" | "yes" | "no";
  /** What must work before the job starts: usernetes.ready. */
  ready: "nodes" | "network" | "dns";
  /** Whether pods may run on the lead. */
  scheduleOnLead: ScheduleOnLead;
  /** Changes to the cluster's copy of the template: usernetes.adjustments. */
  adjustments: readonly Adjustment[];
  /** UUID of the instance. */
  instance: string;
}

interface StepSettings extends Site {
  /** Ranks without which the cluster continues. */
  excludedWorkers: number[];
}

export function stepEnvironment(
  jobid: bigint,
  claim: Claim,
  site: StepSettings,
): Record<string, string> {
  const { ports } = claim;
  const ranks = decodeIdset(claim.ranks);
  const dropped = site.excludedWorkers.map((rank) =>
    nodeName(claim.hosts[ranks.indexOf(rank)] ?? ""),
  );
  return {
    ...site.base,
    USERNETES_TEMPLATE: site.template,
    ...(site.isUsers ? { USERNETES_USER_TEMPLATE: "yes" } : {}),
    USERNETES_WORKDIR: claim.workdir,
    USERNETES_MARKER: marker(jobid, site.instance),
    USERNETES_PROJECT: claim.project,
    USERNETES_ARCHIVE: archive(jobid),
    USERNETES_ENGINE: claim.engine,
    USERNETES_RANKS: claim.ranks,
    USERNETES_HOSTS: encodeInOrder(claim.hosts),
    USERNETES_LEAD: String(claim.lead),
    USERNETES_SHARED: site.shared,
    USERNETES_READY: site.ready,
    USERNETES_SCHEDULE_ON_LEAD: site.scheduleOnLead,
    ...templateSettings(site.options),
    USERNETES_ADJUSTMENTS: site.adjustments.join(" "),
    USERNETES_SIZE: String(ranks.length - dropped.length),
    USERNETES_WITHOUT: dropped.join(" "),
    USERNETES_SUBNET: claim.subnet,
    ...hookPrograms(site.options.hooks),
    ...(site.options.images === undefined ? {} : { USERNETES_IMAGES: site.options.images }),
    ...(site.interface === undefined ? {} : { USERNETES_INTERFACE: site.interface }),
    CONTAINER_ENGINE: claim.engine,
    COMPOSE: composeCommand(claim.engine, claim.project),
    COMPOSE_PROJECT_NAME: claim.project,
    ...templatePorts(ports),
  };
}

/** Variables for the check of a template and for the calls of its targets. */
export function templateSettings(options: TemplateOptions): Record<string, string> {
  const { make, portVariables } = options;
  return {
    USERNETES_MAKE_UP: make.up,
    USERNETES_MAKE_NETWORK: make.network,
    USERNETES_PORT_VARIABLES: portVariables.join(" "),
  };
}

/** The programs of hooks: stage and the doctor check that they exist. */
export function hookPrograms(hooks: Hooks): Record<string, string> {
  return Object.fromEntries(
    HOOKS.flatMap((hook) => {
      const program = hooks[hook]?.[0];
      const name = `USERNETES_${hook.replace("-", "_").toUpperCase()}`;
      return program === undefined ? [] : [[name, program]];
    }),
  );
}

/**
 * The variables of usernetes.environment for a cluster's steps. The agent replaces the placeholders
 * of the node.
 */
export function siteVariables(
  jobid: bigint,
  { workdir }: Claim,
  { options }: Pick<Site, "options">,
): Record<string, string> {
  return ofCluster(options.environment, { jobid: String(jobid), workdir });
}

/**
 * Each port has two variables, because templates from before 2024-12-12 use names with the prefix
 * U7S_.
 */
export function templatePorts(ports: Ports): Record<string, string> {
  const named = {
    PORT_ETCD: ports.etcd,
    PORT_KUBELET: ports.kubelet,
    PORT_FLANNEL: ports.flannel,
    PORT_KUBE_APISERVER: ports.apiserver,
  };
  return Object.fromEntries([
    ...Object.entries(named).flatMap(([name, port]) => [
      [name, String(port)],
      [`U7S_${name}`, String(port)],
    ]),
    ...portVariablesOf(ports).map((name) => [name, String(ports[name])]),
  ]) as Record<string, string>;
}
