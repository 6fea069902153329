/** Messages between the instance and a program's handle (python/flux): JSON in wire.ts frames. */
import type { Answer } from "./router.js";

export type Message =
  | { type: "request"; tag: number; topic: string; payload: string | null }
  | ({ type: "response"; tag: number } & Answer)
  /** The program has handled the oldest answer that requested a confirmation (`ack`). */
  | { type: "seen" };

export const decodeMessage = (text: string): Message => JSON.parse(text) as Message;

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/g;

/** Decodes a payload. Integers too large for a double, such as job IDs, become strings. */
export function decodePayload(payload: string | null): Record<string, unknown> {
  const text = (payload ?? "{}").replace(STRING_OR_NUMBER, (token) =>
    /^[0-9]{16,}$/.test(token) ? `"${token}"` : token,
  );
  return JSON.parse(text) as Record<string, unknown>;
}
