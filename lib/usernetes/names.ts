/**
 * The names of a cluster's resources, derived from the integer job ID (never from a printed one).
 */
import { f58 } from "../flux/jobid.js";

/** The job ID of the cluster of the whole instance. Flux gives this job ID to no job. */
export const INSTANCE = 0n;

/** `ƒ2QT1HSJy5`, or `instance`: the name of a cluster for people. */
export function nameOf(jobid: bigint): string {
  return jobid === INSTANCE ? "instance" : f58(jobid);
}

/**
 * `2qt1hsjy5`: F58 without ƒ, in lower case. Two jobs may have the same one; a marker file
 * distinguishes them.
 */
function shortName(jobid: bigint): string {
  return jobid === INSTANCE ? "instance" : f58(jobid).slice(1).toLowerCase();
}

/** `/tmp/usernetes-ƒ2qt1hsjy5` */
export function workdir(base: string, jobid: bigint): string {
  const name = jobid === INSTANCE ? "instance" : f58(jobid).toLowerCase();
  return `${base === "/" ? "" : base}/usernetes-${name}`;
}

/** `usernetes-2qt1hsjy5`: the compose project. Its container is `usernetes-2qt1hsjy5-node-1`. */
export function project(jobid: bigint): string {
  return `usernetes-${shortName(jobid)}`;
}

/**
 * `usernetes_warm`, `usernetes_warm_calico`: the compose project whose image keeps the layers
 * that clusters of a template are made of. No cluster's begins with it. A project's name has
 * small letters and digits; other characters of a template's name are written as their code.
 */
export function warmProject(template?: string): string {
  if (template === undefined) return "usernetes_warm";
  const code = (character: string) => `_${character.charCodeAt(0).toString(16)}`;
  return `usernetes_warm_${template.replace(/[^a-z0-9]/g, code)}`;
}

/**
 * `u7s-node1`: the name of the Kubernetes node on a host. stage.sh makes it from the host's own
 * name.
 */
export function nodeName(host: string): string {
  return `u7s-${host.toLowerCase()}`;
}

/** The name of the archive with the join command (flux-archive(1)). */
export const archive = project;

/**
 * The content of the marker file in a work directory: the job and the instance that own the
 * directory.
 */
export function marker(jobid: bigint, instance: string): string {
  return `${jobid} ${instance}`;
}

/** The prefix of the names of the directories that briefly contain a cluster's join command. */
export function joinDirectory(jobid: bigint, instance: string): string {
  return `usernetes-join-${jobid}-${instance}`;
}
