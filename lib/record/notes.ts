/**
 * Texts for people in a record, an exception or a log. They may come from a
 * step's output or from a user, and is made one bounded line of it that hides
 * nothing and holds no secret.
 */

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

/**
 * A bootstrap token, a CA hash, what a kubeconfig holds: whoever echoes them. As
 * lib/node/agent.py has them, which is not trusted here; a test compares the two.
 */
const SECRETS: [RegExp, string][] = [
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, "[token]"],
  [/sha256:[0-9a-f]{64}/g, "sha256:[hash]"],
  [/(-data"?: *"?)[A-Za-z0-9+/=]{16,}/g, "$1[data]"],
];

export function oneLine(text: string, max: number = NOTE_MAX): string {
  return plainLine(text, LOOK).trim().slice(0, max).replace(HALF, "");
}

/** The same for a line of output, which keeps its indentation. */
export function plainLine(text: string, max: number = NOTE_MAX): string {
  const look = Math.min(LOOK, 2 * max);
  const cut = text.length > look ? text.slice(0, look).replace(TORN, "") : text;
  let line = cut
    // Then all else that a terminal would take for an order.
    .replace(ORDERS, "")
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/\p{Cf}/gu, "");
  for (const [secret, mask] of SECRETS) line = line.replace(secret, mask);
  return line.trimEnd().slice(0, max).replace(HALF, "");
}
