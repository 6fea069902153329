/** The sh scripts that are sent to the nodes; nothing of ours is installed there. */
import { readFileSync } from "node:fs";
import { packagePath } from "../host/package.js";
import type { NodeStep } from "../cluster/steps.js";

const read = (name: string) => readFileSync(packagePath("lib", "step", "on-node", name), "utf8");

/** Which files make up a step's script. */
const FILES: Record<NodeStep, string[]> = {
  stage: ["place.sh", "template.sh", "stage.sh"],
  up: ["place.sh", "left.sh", "make.sh", "container.sh", "runs.sh"],
  "kubeadm-init": ["place.sh", "make.sh"],
  kubeconfig: ["place.sh", "make.sh"],
  "join-command": ["place.sh", "join-command.sh"],
  "fetch-join": ["place.sh", "fetch-join.sh"],
  "kubeadm-join": ["place.sh", "make.sh"],
  "delete-token": ["place.sh", "container.sh", "delete-token.sh"],
  "sync-external-ip": ["place.sh", "make.sh"],
  "install-flannel": ["place.sh", "make.sh"],
  "wait-ready": ["place.sh", "container.sh", "wait-ready.sh"],
  "down-v": ["place.sh", "left.sh", "down-v.sh"],
};

const cache = new Map<string, string>();

/** Comments are for the reader here; they need not travel to every node. */
function load(name: string): string {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const text = read(name).replace(/^\s*#.*\n/gm, "");
  cache.set(name, text);
  return text;
}

export const findAllScript = (): string => load("find-all.sh");
export const findScript = (): string => load("find-workdirs.sh");
export const logsScript = (): string => load("place.sh") + load("logs.sh");
export const startScript = (): string => load("take-out.sh") + load("start.sh");
/** As the instance owner, who takes the join-command out of its archive without start.sh. */
export const lineScript = (step: NodeStep): string =>
  step === "fetch-join"
    ? ["place.sh", "take-out.sh", "fetch-join-here.sh", "fetch-join.sh"].map(load).join("")
    : stepScript(step);
export const runScript = (): string =>
  ["place.sh", "end-earlier.sh", "keep-step.sh", "run.sh"].map(load).join("");
export const stepScript = (step: NodeStep): string => FILES[step].map(load).join("");
