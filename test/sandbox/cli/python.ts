/** `flux python SCRIPT`: only the project's own are played, bridge.py and call.py. */
import { basename } from "node:path";
import { runBridge } from "../bridge.js";
import { Refusal, type Call } from "../call.js";
import { pythonJson } from "../python-json.js";

export function python(call: Call): Promise<number> {
  const [script = "", ...argv] = call.argv;
  switch (basename(script)) {
    case "bridge.py":
      return runBridge({ ...call, argv });
    case "call.py":
      return request({ ...call, argv });
    default:
      throw new Refusal(`flux: python ${script}: not played by the embedded Flux`);
  }
}

/** plugin/call.py: TOPIC JSON SECONDS. */
async function request(call: Call): Promise<number> {
  const [topic = "", payload = ""] = call.argv;
  const [service = "", method = ""] = topic.split(".");
  const answer = await call.instance.services.get(service)?.call(method, JSON.parse(payload));
  if (!answer) throw new Refusal(`38 No service matching ${topic} is registered`);
  if ("errno" in answer) throw new Refusal(`${answer.errno} ${answer.error}`);
  call.out(`${pythonJson(answer.value)}\n`);
  return 0;
}
