/** The program that asks a service of the instance, and the way to answer it. */
import type { Instance } from "./instance.js";
import type { Answer, Provider } from "./router.js";

/** The user of the request. */
export interface Caller extends Provider {
  instance: Instance;
  rank: number;
  userid: number;
  onSeen(seen: () => void): void;
  onEnd(act: () => void): void;
}

/** With `ack`, the caller confirms that it has handled the answer. */
export type Send = (answer: Answer, ack?: boolean) => void;
