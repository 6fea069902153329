/**
 * Creates the requests of steps. Nothing is installed on the nodes, so each request contains the
 * step's script.
 */
import { readFileSync } from "node:fs";
import { rowOf, type Hook, type NodeStep } from "../cluster/steps.js";
import { packagePath } from "../host/package.js";
import type { Chain } from "./chain-tracker.js";
import type { StepRequest } from "./protocol.js";

const read = (name: string) => readFileSync(packagePath("lib", "node", "steps", name), "utf8");

/** Removes comments, so that less text goes to each node. */
export const withoutComments = (text: string): string => text.replace(/^\s*#.*\n/gm, "");

const scripts = new Map<NodeStep, string>();

/**
 * The parts that the first line of the step's file names (`# parts: paths container`), followed by
 * that file.
 */
export function stepScript(step: NodeStep): string {
  const script = scripts.get(step) ?? withoutComments(compose(step));
  scripts.set(step, script);
  return script;
}

/** Whether the step's script is a Python program, not one of sh. */
export const isPython = (step: NodeStep): boolean => rowOf(step).needs === "images";

function compose(step: NodeStep): string {
  const ending = isPython(step) ? "py" : "sh";
  const text = read(`${step}.${ending}`);
  const names = /^# parts: (.*)\n/.exec(text)?.[1]?.split(" ") ?? [];
  return [...names.map((name) => read(`parts/${name}.${ending}`)), text].join("");
}

/**
 * Creates the request of one step. `env`: the environment of the steps, with the name of the
 * cluster's archive.
 */
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
