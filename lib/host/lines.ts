/**
 * The lines of a stream. A line ends with a newline and with nothing else (a
 * JSON string may hold U+2028).
 *
 * Promises: memory stays bounded, however long a line is: only the head of
 * a line longer than `max` is reported.
 */
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";

/** Bytes that are reported of a line that is too long. */
const HEAD = 4096;
const NEWLINE = 10;

export interface LineOptions {
  /** Bytes. */
  max: number;
  onLine: (line: string) => void;
  onLong: (head: string) => void;
  /** What the stream ended with, without a newline. */
  onTorn: (line: string) => void;
}

/** Resolves when the stream has ended and all of it has been reported. */
export async function readLines(stream: Readable, options: LineOptions): Promise<void> {
  const reader = new LineReader(options);
  stream.on("data", (chunk: Buffer) => {
    reader.take(chunk);
  });
  // A stream that was torn off has ended too.
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
