/** The sh scripts that are sent to the nodes; nothing of ours is installed there. */
import { readFileSync } from "node:fs";
import { packagePath } from "../host/package.js";
import type { NodeStep } from "../cluster/steps.js";

type Name = NodeStep | "run" | "start" | "logs" | "find-all" | "find-workdirs" | "fetch-join-here";

const read = (name: string) => readFileSync(packagePath("lib", "step", "on-node", name), "utf8");

/** Comments are for the reader here; they need not travel to every node. */
const withoutComments = (text: string) => text.replace(/^\s*#.*\n/gm, "");

let lists: Map<string, string[]> | undefined;
const cache = new Map<Name, string>();

function files(name: Name): string[] {
  lists ??= new Map(
    withoutComments(read("scripts.list"))
      .split("\n")
      .map((line) => line.split(" "))
      .map(([of = "", ...parts]) => [of, parts]),
  );
  const list = lists.get(name);
  if (list === undefined) throw new Error(`on-node/scripts.list has no ${name}`);
  return list;
}

function script(name: Name): string {
  const text = cache.get(name) ?? withoutComments(files(name).map(read).join(""));
  cache.set(name, text);
  return text;
}

export const findAllScript = (): string => script("find-all");
export const findScript = (): string => script("find-workdirs");
export const logsScript = (): string => script("logs");
export const startScript = (): string => script("start");
export const runScript = (): string => script("run");
export const stepScript = (step: NodeStep): string => script(step);
/** As the instance owner, who has no start.sh on a line. */
export const lineScript = (step: NodeStep): string =>
  script(step === "fetch-join" ? "fetch-join-here" : step);
