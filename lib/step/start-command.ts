/**
 * What a node runs for a call: on-node/start.sh, which goes on as run.sh, as the
 * instance owner or, through sudo(8), as the cluster's user.
 *
 * Everything is an argument of its own. Arguments can be read by every user of a
 * node: no secret is among them.
 */
import type { Command } from "../host/command.js";
import type { Call } from "./call-progress.js";
import { runScript, startScript } from "./scripts.js";

/** Seconds beyond what the steps may take: the user's processes end by then, whatever hangs. */
const MARGIN_S = 10;

/** For a line: `env` of its shells, beside what they have. */
export const lineEnvironment = (untouched: boolean): Record<string, string> => ({
  USERNETES_LINE: "yes",
  ...(untouched ? { USERNETES_UNTOUCHED: "yes" } : {}),
});

/** Tells when nobody takes steps there any more, whatever ended it. */
const TELL_WHEN_GONE = `setpriv --pdeathsig TERM "$@"; printf '%s gone\\n' "$0" >&2`;

/** `steps`: STEP SECONDS SCRIPT each. */
export function startCommand(call: Call<string>, nonce: string, steps: string[]): Command {
  const takes = ["sh", "-c", runScript(), "usernetes", nonce, ...steps];
  const stays = "USERNETES_LINE" in call.env;
  const run = stays ? ["sh", "-c", TELL_WHEN_GONE, nonce, ...takes] : takes;
  return asUser(call, { nonce, first: call.steps[0] ?? "" }, run);
}

/** Whom something runs as, with which environment, and for how long. */
export type As = Pick<Call, "env" | "userid" | "limitS">;

/** `first`: what start.sh does something for, before it goes on as the user. */
export function asUser(
  { env, userid, limitS }: As,
  { nonce, first }: { nonce: string; first: string },
  run: string[],
): Command {
  const seconds = String(Math.ceil(limitS) + MARGIN_S);
  const start = ["sh", "-c", startScript(), "usernetes-start", nonce, first];
  const argv =
    userid === undefined
      ? [...start, "", seconds, ...run]
      : [...start, String(userid), seconds, ...settings(env), ...run];
  return { argv, env, timeoutMs: limitS * 1000 };
}

/** Each node has a FLUX_URI of its own; start.sh passes it. */
function settings(env: Record<string, string>): string[] {
  return Object.entries(env)
    .filter(([name]) => name !== "FLUX_URI")
    .map(([name, value]) => `${name}=${value}`);
}
