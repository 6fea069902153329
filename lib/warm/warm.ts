/**
 * Makes each node build or pull the image of its clusters' containers. One script runs on all nodes
 * in one call, and each rank is reported when it ends.
 *
 * Promises: every rank is reported once; a rank that hangs or is lost delays the call no longer
 * than the limit, and the images of other ranks are kept.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { readFileSync } from "node:fs";
import { fluxExec } from "../flux/exec.js";
import type { Run } from "../host/command.js";
import { packagePath } from "../host/package.js";
import { templatePorts } from "../node/environment.js";
import type { StepRequest } from "../node/protocol.js";
import { stepScript, withoutComments } from "../node/scripts.js";
import { Session } from "../node/session.js";
import { composeCommand, type EngineName } from "../usernetes/engine.js";
import { warmProject } from "../usernetes/names.js";
import { DEFAULT_PORTS } from "../usernetes/ports.js";

export interface Warmth {
  rank: number;
  /** `already`: the image existed. */
  status: "made" | "already" | "failed" | "timeout" | "lost";
  /** The reason if the node has no image. */
  note: string;
  /** Seconds since the call started. */
  seconds: number;
  /** The site's image archives on the node: `flannel.tar: ghcr.io/flannel-io/flannel:v0.26`. */
  archives: string[];
}

export interface Wanted {
  ranks: number[];
  template: string;
  /** Of usernetes.templates; undefined: the site's own. */
  name?: string | undefined;
  engine: EngineName;
  /** The directory of the site's image archives. */
  images?: string | undefined;
  /** The variables of usernetes.environment. */
  site: Record<string, string>;
  /** The environment that every node gets. */
  base: Record<string, string>;
  /** The user whose engine gets the images; undefined for the instance owner. */
  userid: number | undefined;
  limitS: number;
}

/** The pause between two checks for lost ranks, and the limit of one check, in ms. */
const LOOK = { every: 10_000, limit: 10_000 };
const STEP = "warm";
/** The name of the check of the archives in lib/node/steps/parts/images.py. */
const LIST = "list-images";

export async function warmNodes(
  run: Run,
  wanted: Wanted,
  { signal, onEnd }: { signal: AbortSignal; onEnd: (warmth: Warmth) => void },
): Promise<void> {
  const { ranks, base, site, userid, limitS } = wanted;
  const begin = Date.now();
  const waitedFor = new Set(ranks);
  const lost = new Set<number>();
  let changed = (): void => undefined;
  const over = new AbortController();
  const looking = look(run, base, {
    waitedFor,
    signal: over.signal,
    onLost: (rank) => {
      lost.add(rank);
      changed();
    },
  });
  const session = new Session(
    run,
    { ranks, userid, env: base, limitS, private: "usernetes-warm" },
    {
      signal,
      isLost: (rank) => lost.has(rank),
      onChange: (callback) => {
        changed = callback;
        return () => (changed = () => undefined);
      },
      after: (ms, callback) => {
        const timer = setTimeout(callback, ms);
        return () => {
          clearTimeout(timer);
        };
      },
    },
  );
  const steps = wanted.images === undefined ? [STEP] : [STEP, LIST];
  const chain = { steps, ranks, env: settings(wanted), site, limitS };
  const already = new Set<number>();
  const archives = new Map(ranks.map((rank): [number, string[]] => [rank, []]));
  await session.take(chain, requestOf, {
    onProgress: ({ rank, note }) => archives.get(rank)?.push(note),
    onEnd: ({ step, rank, status, note, tail, next }) => {
      if (step === STEP && tail.at(-1) === "already") already.add(rank);
      if (next !== undefined) return;
      waitedFor.delete(rank);
      const went = already.has(rank) ? "already" : "made";
      const seconds = (Date.now() - begin) / 1000;
      const found = archives.get(rank) ?? [];
      onEnd({ rank, status: status === "ok" ? went : status, note, seconds, archives: found });
    },
  });
  session.close();
  over.abort();
  await looking;
}

const requestOf = (step: string, seconds: number): StepRequest =>
  step === LIST
    ? { step, seconds, script: stepScript("load-images"), python: true }
    : { step, seconds, script: script() };

/**
 * Checks for lost ranks. A flux exec to a broker that has just died does not report the loss, and
 * does not exit.
 */
async function look(
  run: Run,
  env: Record<string, string>,
  on: { waitedFor: Set<number>; signal: AbortSignal; onLost: (rank: number) => void },
): Promise<void> {
  const { waitedFor, signal, onLost } = on;
  const isNext = () => sleep(LOOK.every, true, { signal }).catch(() => false);
  while ((await isNext()) && waitedFor.size > 0) {
    const asked = [...waitedFor];
    const answered = new Set<number>();
    const argv = ["sh", "-c", "echo here >&2"];
    await run(fluxExec(asked, { argv, env, timeoutMs: LOOK.limit }), {
      signal,
      onStderrLine: (line) => {
        if (/^[0-9]+: here$/.test(line)) answered.add(Number.parseInt(line));
      },
    });
    for (const rank of asked) if (!answered.has(rank)) onLost(rank);
  }
}

export function script(): string {
  return withoutComments(readFileSync(packagePath("lib/warm/on-node/warm.sh"), "utf8"));
}

/** Values for variables that a compose file may require. No container is started with them. */
const PLACEHOLDERS = {
  HOST_IP: "127.0.0.1",
  NODE_NAME: "u7s-warm",
  NODE_SUBNET: "10.100.0.0/24",
  NODE_IP: "10.100.0.100",
};

/** As lib/node/environment.ts has it for a cluster's steps. */
export function settings({ template, name, engine, base, images }: Wanted): Record<string, string> {
  const named = Object.entries(PLACEHOLDERS);
  return {
    ...base,
    ...Object.fromEntries(
      named.flatMap(([name, value]) => [
        [name, value],
        [`U7S_${name}`, value],
      ]),
    ),
    ...templatePorts(DEFAULT_PORTS),
    USERNETES_TEMPLATE: template,
    ...(images === undefined ? {} : { USERNETES_IMAGES: images }),
    // The script's output has no log file. The marker ends a script of an earlier call that still
    // runs.
    USERNETES_WORKDIR: "/dev/null",
    USERNETES_MARKER: STEP,
    USERNETES_ENGINE: engine,
    CONTAINER_ENGINE: engine,
    COMPOSE: composeCommand(engine, warmProject(name)),
    COMPOSE_PROJECT_NAME: warmProject(name),
  };
}
