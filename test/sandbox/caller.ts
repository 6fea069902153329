/** The types for a program that sends requests to the instance's services, and for the answers. */
import type { Instance } from "./instance.js";
import type { Answer, Provider } from "./router.js";

/** The program that has sent a request. */
export interface Caller extends Provider {
  instance: Instance;
  rank: number;
  userid: number;
  onSeen(seen: () => void): void;
  onEnd(act: () => void): void;
}

/** Sends an answer. With `ack`, the caller confirms that it has handled the answer. */
export type Send = (answer: Answer, ack?: boolean) => void;
