/** Who asks a service of the instance, and how it is answered. */
import type { Instance } from "./instance.js";
import type { Answer, Provider } from "./router.js";

/** Whose request it is. */
export interface Caller extends Provider {
  instance: Instance;
  rank: number;
  userid: number;
  onSeen(seen: () => void): void;
  onEnd(act: () => void): void;
}

/** With `ack` the caller confirms that it has acted upon it. */
export type Send = (answer: Answer, ack?: boolean) => void;
