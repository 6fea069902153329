/**
 * The UUID of the instance, which its KVS keeps: job IDs are unique only within an instance, and
 * broker.uuid changes at a restart.
 */
import { randomUUID } from "node:crypto";
import type { Bridge } from "./bridge.js";

export const INSTANCE_KEY = "usernetes.instance";

/** Returns the UUID, and creates it at the first use. */
export async function instanceId(bridge: Pick<Bridge, "lookup" | "commit">): Promise<string> {
  const known = await bridge.lookup(INSTANCE_KEY);
  if (known !== undefined) return JSON.parse(known) as string;
  const id = randomUUID();
  await bridge.commit([["put", INSTANCE_KEY, id]]);
  return id;
}
