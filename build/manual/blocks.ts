/**
 * What a manual page is made of. Text has `...` for what is typed, **...** for what is
 * stressed, *...* for what stands for something else; nothing of it is roff.
 */
export type Block =
  /** `level` 1 is a section of the page. */
  | { kind: "heading"; level: 1 | 2; text: string }
  | { kind: "text"; text: string }
  /** Lines that are filled, each by itself. */
  | { kind: "lines"; texts: string[] }
  /** Printed as it is. */
  | { kind: "code"; lines: string[] }
  /** A term, and its description. */
  | { kind: "item"; term: string; body: Block[] };

export const heading = (level: 1 | 2, text: string): Block => ({ kind: "heading", level, text });
export const paragraph = (text: string): Block => ({ kind: "text", text });
export const code = (lines: string[]): Block => ({ kind: "code", lines });
export const item = (term: string, body: Block[]): Block => ({ kind: "item", term, body });

/** As a sentence: what stands in a help's table begins small, and ends without a stop. */
export function sentence(text: string): string {
  const first = /^[a-z]+[ ,:]/.test(text)
    ? `${text.charAt(0).toUpperCase()}${text.slice(1)}`
    : text;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
