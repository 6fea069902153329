/** flux-shutdown(1): jobs are canceled and waited for, and then the instance ends. */
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
