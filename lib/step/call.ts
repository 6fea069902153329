/**
 * One call: a set of ranks take some steps, one `flux exec` for all of them. A
 * rank goes on to its next step by itself, and is told of as soon as it ends
 * one.
 */
import { randomBytes } from "node:crypto";
import { fluxExec } from "../flux/exec.js";
import type { Run } from "../host/command.js";
import { CallProgress, stepLimit, type Call, type CallOptions } from "./call-progress.js";
import { parseReport } from "./reports.js";
import { stepScript } from "./scripts.js";
import { startCommand } from "./start-command.js";

export type { Call, CallOptions, StepEnd, StepWait } from "./call-progress.js";

/** Gives stdout (the join-command, of that step). Every rank gets an end for its last step. */
export function runCall(run: Run, call: Call, options: CallOptions): Promise<string> {
  return runScripts(run, call, { ...options, scriptOf: stepScript });
}

/** The same for what is no step of a cluster's, and has a script of its own. */
export async function runScripts<Name extends string>(
  run: Run,
  call: Call<Name>,
  { scriptOf, ...options }: CallOptions<Name> & { scriptOf: (step: Name) => string },
): Promise<string> {
  const nonce = randomBytes(9).toString("base64url");
  const following = new CallProgress(call, options);
  const words: string[] = [];
  const steps = call.steps.flatMap((step) => [step, stepLimit(step, call), scriptOf(step)]);
  const abandoned = new AbortController();
  const stopWatching = options.onChange(() => {
    following.abandonLost();
    if (following.isStuck()) abandoned.abort();
  });
  const outcome = await run(fluxExec(call.ranks, startCommand(call, nonce, steps)), {
    signal: AbortSignal.any([options.signal, abandoned.signal]),
    onStderrLine: (line) => {
      const report = parseReport(line, nonce, call.steps);
      if (report) {
        following.take(report);
        if (following.isStuck()) abandoned.abort();
      } else if (words.length < 200) words.push(line.slice(0, 4096));
    },
  });
  stopWatching();
  following.finish(words, outcome);
  // `flux exec -l` labels every line.
  return outcome.stdout.replace(/^[0-9]+: /gm, "");
}
