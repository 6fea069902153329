/**
 * Reads what on-node/run.sh reports through `flux exec -l`: `RANK: NONCE WORD
 * STEP REST`. The rank is flux exec's word, the nonce proves that the rest is
 * run.sh's; any other line is kept as a word of flux exec itself.
 */
import type { NodeStep } from "../cluster/steps.js";

export type Report<Name = NodeStep> =
  | { rank: number; report: "tail"; step: Name; text: string }
  | { rank: number; report: "end"; step: Name; exit: number; shared: boolean }
  /** What the step waits for. */
  | { rank: number; report: "progress"; step: Name; text: string }
  /** What the step gives: the join-command. */
  | { rank: number; report: "result"; step: Name; text: string }
  /** On a line: it waits for steps, or nothing takes them any more. */
  | { rank: number; report: "here" | "gone" };

/** `steps`: of the call. */
export function parseReport<Name extends string>(
  line: string,
  nonce: string,
  steps: readonly Name[],
): Report<Name> | undefined {
  const [, label, said, word = "", name, rest = ""] =
    /^([0-9]+): (\S+) (\S+) ?(\S*) ?(.*)$/s.exec(line) ?? [];
  if (said !== nonce) return undefined;
  const rank = Number(label);
  if (word === "here" || word === "gone") return { rank, report: word };
  const step = steps.find((known) => known === name);
  if (step === undefined) return undefined;
  if (word === "tail" || word === "progress") return { rank, report: word, step, text: rest };
  if (word === "result")
    return { rank, report: "result", step, text: Buffer.from(rest, "base64").toString() };
  if (word !== "end") return undefined;
  const [, exit, shared] = /^([0-9]+)( shared)?$/.exec(rest) ?? [];
  if (exit === undefined) return undefined;
  return { rank, report: "end", step, exit: Number(exit), shared: shared !== undefined };
}

/** `flux-exec: Error: rank 3: hostname: No route to host`: by rank. */
export function execErrors(lines: readonly string[]): Map<number, string> {
  const errors = new Map<number, string>();
  for (const line of lines) {
    const match = /^flux-exec: Error: rank ([0-9]+): (.*)$/.exec(line);
    // The command in it is the whole script.
    if (match) errors.set(Number(match[1]), (match[2] ?? "").split(": ").at(-1) ?? "");
  }
  return errors;
}

/**
 * Where sudo(8) has not let us run anything as the cluster's user, by rank, with
 * what to do: `1: sudo: a password is required`, `1: Sorry, user flux is not
 * allowed to execute ...`.
 */
export function sudoRefusals(lines: readonly string[]): Map<number, string> {
  const refusals = new Map<number, string>();
  for (const line of lines) {
    const match =
      /^([0-9]+): (?:sudo: (?!unable to resolve|error init)(.*)|(Sorry, user \S+ (?:is not allowed|may not run)).*)$/.exec(
        line,
      );
    const words = (match?.[2] ?? match?.[3])?.slice(0, 120);
    if (words !== undefined) refusals.set(Number(match?.[1]), `sudo: ${words}; ${SUDO_RULE}`);
  }
  return refusals;
}

const SUDO_RULE = "the rule of etc/sudoers.d/usernetes is needed on this node";
