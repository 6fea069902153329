/** flux-getattr(1). */
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";

export function getattr(call: Call): number {
  const [name = ""] = call.argv;
  const value = call.instance.attribute(name, call.rank);
  if (value === undefined) throw new Refusal(`flux-getattr: ${name}: No such file or directory`);
  call.out(`${value}\n`);
  return 0;
}
