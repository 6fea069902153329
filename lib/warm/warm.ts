/**
 * Has each node build, or pull, the image that its clusters' containers are made of:
 * one script, one call, each rank reported as soon as it ends.
 *
 * Promises: every rank is reported once; one that hangs, or is lost, delays nobody
 * waiting for longer than the limit, and what has gone well elsewhere stays.
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
import { WARM_PROJECT } from "../usernetes/names.js";
import { DEFAULT_PORTS } from "../usernetes/ports.js";

export interface Warmth {
  rank: number;
  /** `already`: nothing had to be made. */
  status: "made" | "already" | "failed" | "timeout" | "lost";
  /** Why it is not warm. */
  note: string;
  /** Since the beginning. */
  seconds: number;
  /** The site's image archives there: `flannel.tar: ghcr.io/flannel-io/flannel:v0.26`. */
  archives: string[];
}

export interface Wanted {
  ranks: number[];
  template: string;
  engine: EngineName;
  /** Directory of the site's image archives. */
  images?: string | undefined;
  /** The site's own variables. */
  site: Record<string, string>;
  /** What goes to every node. */
  base: Record<string, string>;
  /** Whose images; undefined: the instance owner's. */
  userid: number | undefined;
  limitS: number;
}

/** ms between two looks for ranks that are lost, and that one of them may take. */
const LOOK = { every: 10_000, limit: 10_000 };
const STEP = "warm";
/** What lib/node/steps/parts/images.py calls the check of the archives. */
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

/** A flux exec to a broker that has just died does not report it, and does not exit. */
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

/** What a compose file may want to be set, whatever it is: nothing is made of these. */
const PLACEHOLDERS = {
  HOST_IP: "127.0.0.1",
  NODE_NAME: "u7s-warm",
  NODE_SUBNET: "10.100.0.0/24",
  NODE_IP: "10.100.0.100",
};

/** As lib/node/environment.ts has it for a cluster's steps. */
export function settings({ template, engine, base, images }: Wanted): Record<string, string> {
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
    // What it prints has no place of its own; and what an earlier one still does is ended.
    USERNETES_WORKDIR: "/dev/null",
    USERNETES_MARKER: STEP,
    USERNETES_ENGINE: engine,
    CONTAINER_ENGINE: engine,
    COMPOSE: composeCommand(engine, WARM_PROJECT),
    COMPOSE_PROJECT_NAME: WARM_PROJECT,
  };
}
