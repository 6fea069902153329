/** The broker's log ring, as flux-dmesg(1) shows it. */
import { EventEmitter } from "node:events";
import { now } from "./eventlog.js";

export const SEVERITIES = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
const RING = 4096;

export class LogRing {
  readonly lines: string[] = [];
  readonly #news = new EventEmitter().setMaxListeners(0);

  add(name: string, severity: string, { rank, text }: { rank: number; text: string }): void {
    const seconds = now();
    const micros = String(Math.round((seconds % 1) * 1e6) % 1e6).padStart(6, "0");
    const stamp = `${new Date(Math.floor(seconds) * 1000).toISOString().slice(0, 19)}.${micros}Z`;
    const line = `${stamp} ${name}.${severity}[${rank}]: ${text}`;
    this.lines.push(line);
    if (this.lines.length > RING) this.lines.shift();
    this.#news.emit("line", line);
  }

  clear(): void {
    this.lines.length = 0;
  }

  follow(print: (line: string) => void): () => void {
    this.#news.on("line", print);
    return () => this.#news.off("line", print);
  }
}
