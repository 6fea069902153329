/**
 * Users other than the instance owner (guests). SANDBOX_USER in a caller's environment is the
 * caller's uid. Any caller can set it, so it proves nothing. The tasks of a guest's jobs run as
 * that user if root owns the instance.
 */
import { execFileSync } from "node:child_process";
import { Refusal } from "./refusal.js";
import type { Job } from "./job.js";

export const OWNER = process.getuid?.() ?? 0;

export function userOf(env: Record<string, string>): number {
  const user = env["SANDBOX_USER"];
  return user === undefined ? OWNER : Number(user);
}

const NOT_THE_OWNER: Record<string, string> = {
  archive: "flux-archive: KVS lookup: Operation not permitted",
  dmesg: "flux-dmesg: log.dmesg: Request requires owner credentials",
  exec: "flux-exec: Error: Request requires owner credentials",
  kvs: "flux-kvs: Operation not permitted",
  "post-job-event": "flux-post-job-event: ERROR: [Errno 1] Request requires owner credentials",
};

/** Refuses a guest's commands that only the instance owner may run. */
export function refuseGuest(command: string, argv: string[], env: Record<string, string>): void {
  // Guests may run commands in the shells of their own job.
  if (command === "exec" && argv.some((word) => /^(-j|--jobid)/.test(word))) return;
  const words = NOT_THE_OWNER[command];
  if (words !== undefined && userOf(env) !== OWNER) throw new Refusal(words);
}

/** Refuses a guest who does not own the job, with this message. */
export function refuseOthers(
  call: { env: Record<string, string> },
  job: Job | undefined,
  words: string,
): void {
  const user = userOf(call.env);
  if (job && user !== OWNER && user !== job.userid) throw new Refusal(words);
}

/** Returns the command line that runs a command as that user. */
export function asUser(userid: number, argv: string[]): string[] {
  if (userid === OWNER) return argv;
  const gid = execFileSync("id", ["-g", String(userid)], { encoding: "utf8" }).trim();
  return ["setpriv", "--reuid", String(userid), "--regid", gid, "--init-groups", ...argv];
}
