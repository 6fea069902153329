/**
 * The parts of a manual page. Text marks typed words with `...`, emphasis with **...**, and
 * placeholders with *...*. Text contains no roff.
 */
export type Block =
  /** `level` 1 is a section of the page. */
  | { kind: "heading"; level: 1 | 2; text: string }
  | { kind: "text"; text: string }
  /** Lines, each of which is filled separately. */
  | { kind: "lines"; texts: string[] }
  /** Text that is printed unchanged. */
  | { kind: "code"; lines: string[] }
  /** A term, and its description. */
  | { kind: "item"; term: string; body: Block[] };

export const heading = (level: 1 | 2, text: string): Block => ({ kind: "heading", level, text });
export const paragraph = (text: string): Block => ({ kind: "text", text });
export const code = (lines: string[]): Block => ({ kind: "code", lines });
export const item = (term: string, body: Block[]): Block => ({ kind: "item", term, body });

/** Makes a sentence of a text from a help's table, which has no capital letter and no full stop. */
export function sentence(text: string): string {
  const first = /^[a-z]+([ ,:]|$)/.test(text)
    ? `${text.charAt(0).toUpperCase()}${text.slice(1)}`
    : text;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
