/**
 * The output of a job's tasks, line by line, for attached commands and for the job's output file if
 * it has one.
 */
import { EventEmitter } from "node:events";

export interface OutputLine {
  stream: "stdout" | "stderr";
  rank: number;
  data: string;
}

export class JobOutput {
  readonly lines: OutputLine[] = [];
  readonly #news = new EventEmitter().setMaxListeners(0);
  /** True when the output is complete. */
  closed = false;

  add(line: OutputLine): void {
    this.lines.push(line);
    this.#news.emit("line", line);
  }

  close(): void {
    this.closed = true;
    this.#news.emit("closed");
  }

  /** Prints past and future lines in order. `done` resolves when the output is complete. */
  follow(print: (line: OutputLine) => void): { done: Promise<void>; stop: () => void } {
    this.lines.forEach(print);
    this.#news.on("line", print);
    const done = new Promise<void>((resolve) => {
      if (this.closed) resolve();
      else this.#news.once("closed", resolve);
    });
    return { done, stop: () => this.#news.off("line", print) };
  }
}
