/**
 * Texts for people in a record, an exception or a log. They may come from a step's output or from
 * a user: each becomes one bounded line that hides nothing and holds no secret (secrets.ts).
 */
import { maskSecrets } from "./secrets.js";

/** Characters of a note. */
export const NOTE_MAX = 300;
/** Looked at; what is beyond is not. */
const LOOK = 1 << 14;
/** Half a character. */
const HALF = /\p{Cs}$/u;
/** Half a secret would not be known for what it is. */
const TORN = /[A-Za-z0-9+/=.:]{1,200}$/;

const ESC = "\u001b";
/** A terminal's colours and other orders: `ESC [ 31 m`. A tab before a bracket is not one. */
const ORDERS = new RegExp(`${ESC}\\[[0-9;?]*[A-Za-z]`, "gu");

export function oneLine(text: string, max: number = NOTE_MAX): string {
  return plainLine(text, LOOK).trim().slice(0, max).replace(HALF, "");
}

/** The same for a line of output, which keeps its indentation. */
export function plainLine(text: string, max: number = NOTE_MAX): string {
  const look = Math.min(LOOK, 2 * max);
  const cut = text.length > look ? text.slice(0, look).replace(TORN, "") : text;
  const line = cut
    // Then all else that a terminal would take for an order.
    .replace(ORDERS, "")
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/\p{Cf}/gu, "");
  return maskSecrets(line).trimEnd().slice(0, max).replace(HALF, "");
}
