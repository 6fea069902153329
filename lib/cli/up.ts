/** `flux usernetes up`: brings up one cluster for the whole instance. No daemon is needed. */
import type { Run } from "../host/command.js";
import { hostOf, type Cluster } from "../cluster/state.js";
import { CommandError, EXIT } from "../errors.js";
import { decodeIdset, encodeIdset } from "../flux/idset.js";
import type { Resources } from "../flux/resources.js";
import { packagePath } from "../host/package.js";
import type { InstanceCluster } from "../../plugin/instance.js";
import { followSteps } from "../view/live-steps.js";
import { HelpedCommand } from "../help/command-help.js";
import {
  readSetting,
  SETTING_OPTIONS,
  type InstanceSettings,
  type SettingOptions,
} from "./instance-setting.js";

interface UpOptions extends SettingOptions {
  exclude?: string;
  workdir?: string;
}

const ATTR_DEADLINE_MS = 20_000;

export function upCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "up",
    summary: "bring up one cluster for the whole instance",
    options: {
      ...SETTING_OPTIONS,
      "-x, --exclude <idset>": "exclude these ranks, like 0 or 4-7",
      "--workdir <dir>": "work directory on each node (created if missing)",
      "--template <dir>": "the usernetes clone on each node, or a name of usernetes.templates",
      "--engine <name>": "container engine: docker, podman or nerdctl",
    },
    details: [
      `Run it as the instance owner on rank 0 of a system instance, a batch job or flux alloc. No
       daemon is needed. Options that are not given come from the [usernetes] table of this
       instance or of its parent. Prints the path of the kubeconfig; progress is on stderr. An
       interrupted up is resumed. Inside a job that already has a cluster, up prints that cluster's
       kubeconfig. flux usernetes down removes the cluster.`,
    ],
    exits: {
      0: "ready",
      1: "failed and torn down",
      2: "wrong usage",
      3: "configuration refused",
      4: "no Flux instance",
    },
    examples: [
      "export KUBECONFIG=$(flux usernetes up)",
      "flux usernetes up -x 0 --template /opt/usernetes --engine podman",
    ],
  }).action(async (options: UpOptions) => {
    const setting = await readSetting(run, options, true);
    process.stdout.write(`${await up(run, setting, options)}\n`);
  });
}

/** Brings up the cluster and returns the path of its kubeconfig. */
async function up(run: Run, setting: InstanceSettings, options: UpOptions): Promise<string> {
  const wanted = resourcesOf(setting, options);
  const workdir = workdirOf(options.workdir) ?? setting.names().workdir;
  const names = () => ({ ...setting.names(), workdir });
  const progress = followSteps(process.stderr);
  const { InstanceCluster } = await import("../../plugin/instance.js");
  const { env, base, config } = setting;
  const cluster = new InstanceCluster({ run, env, base, config, names, say: progress.say });
  try {
    await cluster.connect();
    const inherited = cluster.entry ? undefined : await kubeconfigHere(run, setting);
    if (inherited !== undefined) {
      progress.note(`this job already has a cluster: ${inherited}`);
      return inherited;
    }
    refuse(cluster, wanted);
    stopOnSignals(cluster, progress.note);
    return kubeconfigOf(await cluster.up(wanted));
  } finally {
    progress.end();
    cluster.leave();
  }
}

/** The ranks of the new cluster, and their hosts. */
function resourcesOf({ hosts }: InstanceSettings, { exclude = "" }: UpOptions): Resources {
  const excluded = new Set(idset(exclude));
  const beyond = [...excluded].find((rank) => rank >= hosts.length);
  if (beyond !== undefined)
    throw new CommandError(
      EXIT.usage,
      `-x: found rank ${beyond}, allowed: 0-${hosts.length - 1}, the ranks of this instance`,
    );
  const ranks = hosts.map((_, rank) => rank).filter((rank) => !excluded.has(rank));
  if (ranks.length === 0)
    throw new CommandError(
      EXIT.usage,
      "-x: excludes every rank of the instance, allowed: all but one or more",
    );
  return { ranks, hosts: ranks.map((rank) => hosts[rank] ?? "") };
}

function idset(text: string): number[] {
  try {
    return decodeIdset(text);
  } catch {
    throw new CommandError(EXIT.usage, `-x: found "${text}", allowed: ranks, like 0-3,7`);
  }
}

function workdirOf(found: string | undefined): string | undefined {
  if (found === undefined) return undefined;
  const path = found.replace(/(.)\/+$/, "$1");
  if (path.startsWith("/") && path !== "/" && !/\/\.\.?(\/|$)|\n|:/.test(path)) return path;
  throw new CommandError(
    EXIT.usage,
    `--workdir: found "${found}", allowed: an absolute path with no "..", ":" or newline`,
  );
}

function refuse(cluster: InstanceCluster, { ranks }: Resources): void {
  const lost = cluster.lost(ranks);
  if (lost.length > 0)
    throw new CommandError(
      EXIT.failed,
      `ranks ${encodeIdset(lost)} are not up: start them, or leave them out with -x ${encodeIdset(lost)}`,
    );
  const left = cluster.entry?.left ?? [];
  if (left.length > 0)
    throw new CommandError(
      EXIT.failed,
      `the previous cluster was not fully removed from ranks ${encodeIdset(left)}: run flux usernetes down first`,
    );
}

/**
 * One signal may arrive twice: for the process, and for its process group. Signals within this
 * time, in ms, count as one.
 */
const SAME_MS = 500;

/** The first signal tears the cluster down. The second one leaves it in place for `down`. */
function stopOnSignals(cluster: InstanceCluster, note: (text: string) => void): void {
  let first: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      if (first !== undefined && Date.now() - first < SAME_MS) return;
      if (first !== undefined) {
        note("interrupted; the cluster was left in place, remove it with flux usernetes down");
        process.exit(EXIT.failed);
      }
      first = Date.now();
      note(`${signal}: tearing down; repeat the signal to leave the cluster in place`);
      cluster.cancel("cancel", signal);
    });
}

function kubeconfigOf(cluster: Cluster): string {
  const { settle, job, down, claim } = cluster;
  if (settle?.outcome === "ready" && settle.kubeconfig && !down) return settle.kubeconfig;
  const why = settle?.note ?? job.fatal?.note ?? "it did not come up";
  const left = (down?.left ?? []).map((rank) => hostOf(cluster, rank)).join(", ");
  const rest = left
    ? `; leftovers on ${left}: run flux usernetes down`
    : claim
      ? "; nothing is left"
      : "";
  throw new CommandError(EXIT.failed, `${why}${rest}`);
}

/**
 * Returns the kubeconfig of the job that this instance is, or of a job further out, but not that of
 * this instance's own cluster.
 */
async function kubeconfigHere(
  run: Run,
  { jobid, env }: InstanceSettings,
): Promise<string | undefined> {
  if (jobid === undefined) return undefined;
  const argv = [packagePath("bin", "usernetes"), "attr", "kubeconfig"];
  const { exitCode, stdout } = await run({ argv, env, timeoutMs: ATTR_DEADLINE_MS });
  return exitCode === 0 ? stdout.trim() : undefined;
}
