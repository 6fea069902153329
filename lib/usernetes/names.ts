/** What belongs to a cluster is named after its job, from the integer id (never a printed one). */
import { f58 } from "../flux/jobid.js";

/** The cluster of the whole instance, which is no job's. Flux gives no job this id. */
export const INSTANCE = 0n;

/** `ƒ2QT1HSJy5`, or `instance`: the name of a cluster for people. */
export function nameOf(jobid: bigint): string {
  return jobid === INSTANCE ? "instance" : f58(jobid);
}

/** `2qt1hsjy5`: F58 without ƒ, lower-cased. Not unique: a marker file distinguishes two. */
function shortName(jobid: bigint): string {
  return jobid === INSTANCE ? "instance" : f58(jobid).slice(1).toLowerCase();
}

/** `/tmp/usernetes-ƒ2qt1hsjy5` */
export function workdir(base: string, jobid: bigint): string {
  const name = jobid === INSTANCE ? "instance" : f58(jobid).toLowerCase();
  return `${base === "/" ? "" : base}/usernetes-${name}`;
}

/** `usernetes-2qt1hsjy5`: compose project; its container is `usernetes-2qt1hsjy5-node-1`. */
export function project(jobid: bigint): string {
  return `usernetes-${shortName(jobid)}`;
}

/** Whose image keeps the layers that all clusters are made of. No cluster's begins with it. */
export const WARM_PROJECT = "usernetes_warm";

/** `u7s-node1`: the Kubernetes node on a host; stage.sh makes it of the host's own name. */
export function nodeName(host: string): string {
  return `u7s-${host.toLowerCase()}`;
}

/** The archive that carries the join-command (flux-archive(1)). */
export const archive = project;

/** What the marker file in a workdir holds: whose it is. */
export function marker(jobid: bigint, instance: string): string {
  return `${jobid} ${instance}`;
}

/** The beginning of the names of the directories that a cluster's join-command is in for a moment. */
export function joinDirectory(jobid: bigint, instance: string): string {
  return `usernetes-join-${jobid}-${instance}`;
}
