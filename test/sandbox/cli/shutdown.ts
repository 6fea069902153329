/** flux-shutdown(1): cancels all jobs, waits for them, and ends the instance. */
import type { Call } from "../call.js";
import { cleanUp } from "../cleanup.js";

export async function shutdown({ instance, err }: Call): Promise<number> {
  await cleanUp(instance);
  err("broker.info[0]: shutdown: the instance ends\n");
  setImmediate(() => {
    instance.onShutdown();
  });
  return 0;
}
