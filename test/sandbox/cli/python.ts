/** `flux python SCRIPT`: only the project's bridge is played. */
import { basename } from "node:path";
import { runBridge } from "../bridge.js";
import { Refusal, type Call } from "../call.js";

export function python(call: Call): Promise<number> {
  const [script = "", ...argv] = call.argv;
  if (basename(script) !== "bridge.py")
    throw new Refusal(`flux: python ${script}: not played by the embedded Flux`);
  return runBridge({ ...call, argv });
}
