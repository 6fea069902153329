/**
 * Splits a stream into lines. Only a newline ends a line (a JSON string may contain U+2028). A
 * carriage return before it is removed.
 *
 * Promises: memory stays bounded, however long a line is. If a line is longer than `max`, only its
 * head is reported.
 */
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";

/** The length of the reported head of a line that is too long, in bytes. */
const HEAD = 4096;
const NEWLINE = 10;

export interface LineOptions {
  /** The most bytes of a line. */
  max: number;
  onLine: (line: string) => void;
  onLong: (head: string) => void;
  /** Called with the last line if the stream ends without a newline. */
  onTorn: (line: string) => void;
}

/** Resolves when the stream has ended and all of it has been reported. */
export async function readLines(stream: Readable, options: LineOptions): Promise<void> {
  const reader = new LineReader(options);
  stream.on("data", (chunk: Buffer) => {
    reader.take(chunk);
  });
  // A stream that ended with an error has ended too.
  await finished(stream, { writable: false }).catch(() => undefined);
  reader.end();
}

class LineReader {
  private parts: Buffer[] = [];
  private size = 0;
  /** The head of a line that is too long, until the line ends. */
  private head: string | undefined;

  constructor(private readonly options: LineOptions) {}

  take(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.keep(chunk.subarray(from, at));
      this.deliver(this.options.onLine);
      from = at + 1;
    }
    this.keep(chunk.subarray(from));
  }

  end(): void {
    if (this.size > 0) this.deliver(this.options.onTorn);
  }

  private keep(part: Buffer): void {
    this.size += part.length;
    if (this.head !== undefined) return;
    if (part.length > 0) this.parts.push(part);
    if (this.size <= this.options.max) return;
    this.head = Buffer.concat(this.parts).toString("utf8", 0, HEAD);
    this.parts = [];
  }

  private deliver(onLine: (line: string) => void): void {
    const { head } = this;
    const line = head ?? Buffer.concat(this.parts).toString("utf8");
    this.parts = [];
    this.size = 0;
    this.head = undefined;
    if (head === undefined) onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
    else this.options.onLong(head);
  }
}
