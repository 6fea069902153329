/**
 * Makes texts safe for a record, an exception or a log. A text may come from a step's output or
 * from a user. The result is one line of bounded length, without control characters and without
 * secrets (secrets.ts).
 */
import { maskSecrets } from "./secrets.js";

/** Maximum characters of a note. */
export const NOTE_MAX = 300;
/** Maximum characters of a text that are read; the rest is dropped. */
const LOOK = 1 << 14;
/** The first half of a surrogate pair, at the end of a cut text. */
const HALF = /\p{Cs}$/u;
/** The end of a cut text that may be a part of a secret. A part of a secret is not recognized. */
const TORN = /[A-Za-z0-9+/=.:]{1,200}$/;

const ESC = "\u001b";
/**
 * Control sequences of a terminal, such as colours: `ESC [ 31 m`. A tab before a bracket does not
 * match.
 */
const ORDERS = new RegExp(`${ESC}\\[[0-9;?]*[A-Za-z]`, "gu");

export function oneLine(text: string, max: number = NOTE_MAX): string {
  return plainLine(text, LOOK).trim().slice(0, max).replace(HALF, "");
}

/** Like oneLine, but keeps the indentation of a line of output. */
export function plainLine(text: string, max: number = NOTE_MAX): string {
  const look = Math.min(LOOK, 2 * max);
  const cut = text.length > look ? text.slice(0, look).replace(TORN, "") : text;
  const line = cut
    // The next replacements remove all other control characters.
    .replace(ORDERS, "")
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/\p{Cf}/gu, "");
  return maskSecrets(line).trimEnd().slice(0, max).replace(HALF, "");
}
