/**
 * `flux usernetes warm`: builds or pulls the node's image in advance, so that no job has to wait
 * for it.
 */
import { forTemplates, type Config, type ForTemplate } from "../config/check.js";
import { loadFile, loadFromBroker } from "../config/load.js";
import { withoutCluster } from "../config/site-environment.js";
import { CommandError, EXIT } from "../errors.js";
import { decodeHostlist, encodeHostlist } from "../flux/hostlist.js";
import { localEnvironment, nodeEnvironment } from "../host/environment.js";
import type { Run } from "../host/command.js";
import { isEngine, type EngineName } from "../usernetes/engine.js";
import { warmNodes, type Warmth } from "../warm/warm.js";
import { whoseImages, type Whose } from "../warm/whose.js";
import { HelpedCommand } from "../help/command-help.js";
import { attribute, ranksOf, refuseElsewhere } from "./instance.js";
import { nodeLimitOf } from "./node-limit.js";

interface Options {
  rank?: string;
  engine?: string;
  user: string[];
  timeout: string;
  config?: string;
  passEnv: string[];
  json?: true;
}

type NodeWarmth = Warmth & {
  host: string;
  user: string | undefined;
  /** Of usernetes.templates; undefined: the site's own. */
  template: string | undefined;
  /** Directory of the archives. */
  images: string | undefined;
};

/** What is warmed: the image of one template, for one user. */
type Aim = Whose & { template: ForTemplate };

export function warmCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "warm",
    summary: "build or pull the node's image ahead of time, on every node",
    options: {
      "--rank <idset>": "build on these ranks only, like 0-3,7",
      "--engine <name>": "build with this engine of usernetes.engines (default: container-engine)",
      "--user <name...>": 'with usernetes.run-as = "sudo": build the images of these users',
      "-t, --timeout <fsd>": { text: "limit for one node", default: "30m" },
      "--config <file>": "read [usernetes] from this TOML file instead of the broker",
      "--pass-env <name...>": "pass these environment variables to the nodes",
      "--json": "print the result of each node as JSON",
    },
    details: [
      `Runs on rank 0, as the instance owner. Each node builds the image that clusters need, from
       the current template and from each of usernetes.templates, and keeps it. An image that
       exists is not built again. Run it again for new nodes, and when a template has changed.
       Ctrl-C stops the builds. If a template has a target warm, that target builds the image. With
       usernetes.images, the archives there are checked and listed.`,
    ],
    exits: {
      0: "all nodes have the image",
      1: "a node does not",
      2: "wrong usage",
      3: "configuration refused",
      4: "no Flux instance",
    },
    examples: ["flux usernetes warm", "flux usernetes warm --rank 4-7 --engine podman"],
  }).action((options: Options) => warm(run, options));
}

async function warm(run: Run, options: Options): Promise<void> {
  const limitS = nodeLimitOf(options.timeout);
  const { config } = await (options.config === undefined
    ? loadFromBroker(run, localEnvironment())
    : loadFile(options.config));
  const engine = engineOf(options.engine, config);
  const hosts = decodeHostlist(await attribute(run, "hostlist"));
  const ranks = ranksOf(options.rank, hosts.length);
  const owner = await refuseElsewhere(run, "warm");
  const all = await whoseImages(run, options.user, { runAs: config.runAs, owner });
  const base = nodeEnvironment(options.passEnv);
  const aims = all.flatMap((whose) =>
    forTemplates(config).map((template): Aim => ({ ...whose, template })),
  );
  const signal = stopOnSignals();
  const nodes: NodeWarmth[] = [];
  process.stderr.write(`warming ${ranks.length} nodes with ${engine}\n`);
  for (const aim of aims) {
    const { name, config: its } = aim.template;
    const { environment, images } = its.options;
    const wanted = {
      ...{ ranks, engine, base, name, images, limitS },
      template: its.template,
      site: withoutCluster(environment),
      userid: aim.userid,
    };
    const onEnd = (warmth: Warmth) => {
      const host = hosts[warmth.rank] ?? "";
      nodes.push({ ...warmth, host, user: aim.name, template: name, images });
      process.stderr.write(`${nodeOf(hosts, warmth, aim)}: ${outcome(warmth)}\n`);
    };
    if (!signal.aborted) await warmNodes(run, wanted, { signal, onEnd });
  }
  const ok = nodes.length === ranks.length * aims.length && nodes.every(isWarm);
  if (options.json) process.stdout.write(`${JSON.stringify({ ok, engine, nodes: nodes })}\n`);
  else process.stdout.write(summary(nodes) + listArchives(nodes));
  if (!ok) process.exitCode = EXIT.failed;
}

const isWarm = ({ status }: Warmth): boolean => status === "made" || status === "already";

function nodeOf(hosts: string[], { rank }: Warmth, { name, template }: Aim): string {
  const names = [name, template.name].filter((each) => each !== undefined);
  return [`${hosts[rank] ?? ""} (rank ${rank})`, ...names].join(", ");
}

function outcome({ status, note, seconds }: Warmth): string {
  const time = `${seconds.toFixed(1)} s`;
  if (status === "made") return `image ready after ${time}`;
  return status === "already" ? `image already present (${time})` : `failed: ${note}`;
}

function summary(nodes: NodeWarmth[]): string {
  const ranks = new Set(nodes.map(({ rank }) => rank));
  const cold = nodes.filter((one) => !isWarm(one));
  const not = [...new Set(cold.map(({ host }) => host))];
  const rest = not.length === 0 ? "" : `; not ${encodeHostlist(not)}`;
  const count = ranks.size - new Set(cold.map(({ rank }) => rank)).size;
  return `${count} of ${ranks.size} nodes have the image${rest}\n`;
}

/** Lists the archives, once for each group of nodes with the same archives. */
function listArchives(nodes: NodeWarmth[]): string {
  const groups = new Map<string, { images: string; lines: string; hosts: Set<string> }>();
  for (const { host, archives, images } of nodes.filter(isWarm)) {
    if (images === undefined) continue;
    const lines = archives.map((line) => `  ${line}\n`).join("");
    const key = `${images}\n${lines}`;
    const group = groups.get(key) ?? { images, lines, hosts: new Set() };
    group.hosts.add(host);
    groups.set(key, group);
  }
  return [...groups.values()]
    .map(({ images, lines, hosts }) => {
      const where = `${images} on ${encodeHostlist([...hosts])}`;
      return lines === "" ? `no archives in ${where}\n` : `archives in ${where}:\n${lines}`;
    })
    .join("");
}

function engineOf(name: string | undefined, { engine, engines }: Config): EngineName {
  if (name === undefined) return engine;
  if (isEngine(name) && engines.includes(name)) return name;
  throw new CommandError(
    EXIT.usage,
    `--engine: found "${name}", allowed: ${engines.join(", ")} (usernetes.engines)`,
  );
}

/**
 * The first signal stops the builds on the nodes and waits for their end. Further signals are
 * ignored.
 */
function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      if (stop.signal.aborted) return;
      process.stderr.write(`${signal}: stopping the builds\n`);
      stop.abort();
    });
  return stop.signal;
}
