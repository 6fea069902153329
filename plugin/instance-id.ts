/**
 * The UUID of the instance, which its KVS keeps: job IDs are unique only within an instance, and
 * broker.uuid changes at a restart.
 */
import { randomUUID } from "node:crypto";
import type { Bridge } from "./bridge.js";

const KEY = "usernetes.instance";

/** Returns the UUID, and creates it at the first use. */
export async function instanceId(bridge: Pick<Bridge, "lookup" | "commit">): Promise<string> {
  const known = await bridge.lookup(KEY);
  if (known !== undefined) return JSON.parse(known) as string;
  const id = randomUUID();
  await bridge.commit([["put", KEY, id]]);
  return id;
}
