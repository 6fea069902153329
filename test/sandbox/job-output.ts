/**
 * The output of a job's tasks, line by line, for attached commands and for a file if the job has
 * one.
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
  /** Set when no more output will come. */
  closed = false;

  add(line: OutputLine): void {
    this.lines.push(line);
    this.#news.emit("line", line);
  }

  close(): void {
    this.closed = true;
    this.#news.emit("closed");
  }

  /** Past and coming lines, in order; the promise resolves when there are no more. */
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
