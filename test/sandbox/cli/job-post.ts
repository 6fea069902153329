/** `flux job memo`, `raise` and `kill`. */
import { constants } from "node:os";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { refuseOthers, userOf } from "../guests.js";
import { jobArgument, jobidArgument } from "../job-argument.js";
import { attributeValue } from "../jobspec.js";
import { parseOptions } from "../options.js";

/** Returns {a: {b: 1}} for `a.b=1`. */
function memoOf(words: string[]): Record<string, unknown> {
  const memo: Record<string, unknown> = {};
  for (const word of words) {
    const equals = word.indexOf("=");
    if (equals < 0) throw new Refusal(`flux-job: memo: no value for key=${word}`);
    const path = word.slice(0, equals).split(".");
    let here = memo;
    for (const name of path.slice(0, -1)) here = (here[name] ??= {}) as Record<string, unknown>;
    here[path.at(-1) ?? ""] = attributeValue(word.slice(equals + 1));
  }
  return memo;
}

export function memo(call: Call): number {
  const { rest } = parseOptions(call.argv, { command: "flux-job", specs: ["volatile"] });
  const id = jobidArgument(rest[0] ?? "");
  const values = memoOf(rest.slice(1));
  refuseOthers(
    call,
    call.instance.jobs.jobs.get(id),
    "flux-job: memo: guests can only add a memo to their own jobs",
  );
  try {
    call.instance.jobs.memo(id, values);
  } catch (error) {
    throw new Refusal(`flux-job: memo: ${(error as Error).message}`);
  }
  return 0;
}

export function raise(call: Call): number {
  const options = parseOptions(call.argv, {
    command: "flux-job",
    specs: ["severity|s=", "type|t=", "message|m="],
  });
  const [word = "", ...words] = options.rest;
  const id = jobidArgument(word);
  refuseOthers(
    call,
    call.instance.jobs.jobs.get(id),
    `flux-job: raise ${word}: guests can only raise exceptions on their own jobs`,
  );
  try {
    call.instance.jobs.raise(id, {
      userid: userOf(call.env),
      type: options.get("type") ?? "cancel",
      severity: Number(options.get("severity") ?? 0),
      note: options.get("message") ?? words.join(" "),
    });
  } catch (error) {
    throw new Refusal(`flux-job: raise ${word}: ${(error as Error).message}`);
  }
  return 0;
}

export function kill(call: Call): number {
  const options = parseOptions(call.argv, { command: "flux-job", specs: ["signal|s="] });
  const [word = ""] = options.rest;
  const job = jobArgument(call, word, `kill ${word}: unknown job id`);
  const name = (options.get("signal") ?? "TERM").replace(/^SIG/, "");
  const byNumber = Object.entries(constants.signals).find(([, value]) => String(value) === name);
  const signal = (byNumber?.[0] ?? `SIG${name}`) as NodeJS.Signals;
  if (job.state === "INACTIVE") throw new Refusal(`flux-job: kill ${word}: job is inactive`);
  const run = call.instance.runOf(job);
  if (!run) throw new Refusal(`flux-job: kill ${word}: job is not running`);
  run.kill(signal);
  return 0;
}
