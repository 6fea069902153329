/** Messages between the instance and a program's handle (python/flux), JSON in frames of wire.ts. */
import type { Answer } from "./router.js";

export type Message =
  | { type: "request"; tag: number; topic: string; payload: string | null }
  | ({ type: "response"; tag: number } & Answer)
  /** The oldest answer that asked for it (`ack`) has been acted upon. */
  | { type: "seen" };

export const decodeMessage = (text: string): Message => JSON.parse(text) as Message;

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/g;

/** A payload; integers that a double does not hold become strings: job ids. */
export function decodePayload(payload: string | null): Record<string, unknown> {
  const text = (payload ?? "{}").replace(STRING_OR_NUMBER, (token) =>
    /^[0-9]{16,}$/.test(token) ? `"${token}"` : token,
  );
  return JSON.parse(text) as Record<string, unknown>;
}
