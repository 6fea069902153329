/** When a bridge posts prolog-start and epilog-start, and when a job is due: plugin/bridge.py's class Job. */
import type { Entry } from "./eventlog.js";

const DUE = ["alloc", "finish", "fatal", "clean"];

export class HeldJob {
  readonly seen = new Set<string>();
  #prolog = false;
  #epilog = false;
  #told = false;

  see({ name, context = {} }: Entry): void {
    const ours = context["description"] === "usernetes";
    if (name === "prolog-start") this.#prolog ||= ours;
    else if (name === "epilog-start") this.#epilog ||= ours;
    else if (name !== "exception") this.seen.add(name);
    else if (context["severity"] === 0) this.seen.add("fatal");
  }

  /** Whether it has its nodes or is over, and nobody has been told. */
  becomesDue(): boolean {
    const due = !this.#told && DUE.some((name) => this.seen.has(name));
    this.#told ||= due;
    return due;
  }

  /** The event to post now so that Flux waits for us. */
  missing(): "prolog-start" | "epilog-start" | undefined {
    if (this.seen.has("finish") || this.seen.has("fatal")) {
      if (!this.seen.has("alloc") || this.#epilog) return undefined;
      this.#epilog = true;
      return "epilog-start";
    }
    if (this.#prolog || this.seen.has("start")) return undefined;
    this.#prolog = true;
    return "prolog-start";
  }
}
