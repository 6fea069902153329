/** Reads the KVS directory usernetes.cluster, which has one entry for each open cluster. */
import {
  entryKey,
  OPEN_CLUSTERS,
  parseOpenCluster,
  type OpenCluster,
} from "../lib/record/writer.js";
import { INSTANCE } from "../lib/usernetes/names.js";
import type { Bridge } from "./bridge.js";
import type { World } from "./world.js";

export async function readEntries(
  bridge: Pick<Bridge, "list" | "lookup">,
  say: World["say"],
): Promise<OpenCluster[]> {
  const entries: OpenCluster[] = [];
  for (const name of await bridge.list(OPEN_CLUSTERS)) {
    const key = `${OPEN_CLUSTERS}.${name}`;
    const text = await bridge.lookup(key);
    const entry = text === undefined ? undefined : parseOpenCluster(text);
    if (entry?.jobid === name) entries.push(entry);
    // A malformed entry must not affect the others, and is not deleted.
    else if (text !== undefined)
      say("error", `${key} is malformed and was ignored; remove it with flux kvs unlink`);
  }
  return entries;
}

/**
 * Reads the entry of the instance's cluster. `flux usernetes up` and `down` do not notify the
 * daemon, so its ports and subnets are read from the KVS.
 */
export async function readInstanceEntry({ flux, open }: World): Promise<void> {
  const text = await flux.lookup(entryKey(INSTANCE));
  const entry = text === undefined ? undefined : parseOpenCluster(text);
  if (entry) open.add(entry);
  else open.remove(INSTANCE);
}
