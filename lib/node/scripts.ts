/** What a step is on the nodes: nothing is installed there, so its script travels. */
import { readFileSync } from "node:fs";
import { rowOf, type Hook, type NodeStep } from "../cluster/steps.js";
import { packagePath } from "../host/package.js";
import type { Chain } from "./chain-tracker.js";
import type { StepRequest } from "./protocol.js";

const read = (name: string) => readFileSync(packagePath("lib", "node", "steps", name), "utf8");

/** Comments are for the reader here; they need not travel to every node. */
export const withoutComments = (text: string): string => text.replace(/^\s*#.*\n/gm, "");

let lists: Map<string, string[]> | undefined;
const scripts = new Map<NodeStep, string>();

function files(step: NodeStep): string[] {
  lists ??= new Map(
    withoutComments(read("scripts.list"))
      .split("\n")
      .map((line) => line.split(" "))
      .map(([name = "", ...parts]) => [name, parts]),
  );
  const list = lists.get(step);
  if (list === undefined) throw new Error(`on-node/scripts.list has no ${step}`);
  return list;
}

export function stepScript(step: NodeStep): string {
  const script = scripts.get(step) ?? withoutComments(files(step).map(read).join(""));
  scripts.set(step, script);
  return script;
}

/** A step's script is a program of Python, or of sh. */
export const isPython = (step: NodeStep): boolean =>
  files(step).every((name) => name.endsWith(".py"));

/** `env`: of the steps, which has the name of the cluster's archive. */
export function stepRequest(
  step: NodeStep,
  seconds: number,
  { env, hooks = {} }: Pick<Chain, "env" | "hooks">,
): StepRequest {
  const { gives, puts, needs } = rowOf(step);
  if (puts) return { step, seconds, archive: env["USERNETES_ARCHIVE"] ?? "" };
  if (needs === "hook")
    return { step, seconds, script: stepScript(step), args: hooks[step as Hook] ?? [] };
  if (isPython(step)) return { step, seconds, script: stepScript(step), python: true };
  return { step, seconds, script: stepScript(step), ...(gives ? { gives } : {}) };
}
