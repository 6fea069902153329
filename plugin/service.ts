/**
 * Answers requests to the Flux service `usernetes`, which the commands of flux-usernetes make from
 * any rank. Flux passes on only requests of the instance's owner.
 */
import type { ServiceCall } from "./bridge-messages.js";
import { EBUSY, EINVAL, ENOSYS, FluxError } from "./flux-error.js";
import type { Leftovers } from "./leftovers.js";
import type { Cleaned } from "./foreign-workdirs.js";

/** Carries out a request. Throws a FluxError, whose text the caller gets. */
export async function answerCall(
  { method, payload }: ServiceCall,
  leftovers: Leftovers | undefined,
): Promise<{ clusters: Cleaned[] }> {
  if (method !== "clean")
    throw new FluxError(ENOSYS, `unknown request usernetes.${method}; allowed: usernetes.clean`);
  if (!leftovers) throw new FluxError(EBUSY, "the daemon is still starting; try again shortly");
  return { clusters: await leftovers.clean(wanted(payload)) };
}

/** Parses {"jobid": "123"} or {"jobid": "all"}. */
function wanted(payload: unknown): bigint | "all" {
  const jobid = (payload as { jobid?: unknown } | null)?.jobid;
  if (jobid === "all") return "all";
  if (typeof jobid === "string" && /^[0-9]{1,20}$/.test(jobid)) return BigInt(jobid);
  throw new FluxError(EINVAL, "jobid: found another value, allowed: a decimal job ID or all");
}
