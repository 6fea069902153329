/**
 * Simulates the job manager and the bridge's hold for one job: the primary eventlog, and the one
 * counter of prologs and epilogs. The counter follows the rules that were observed on flux-core
 * 0.88.
 */
import type { JobEvent } from "../../lib/cluster/fold.js";
import type { Clock } from "../../lib/host/clock.js";
import { ENOENT, FluxError } from "../../plugin/flux-error.js";

export class FakeJob {
  readonly eventlog: JobEvent[] = [];
  /** The number of finish events that Flux counted while none of the daemon's holds ran. */
  wrongFinishes = 0;
  /** The number of the site's own prologs and epilogs that run now. They also hold the job. */
  others = 0;
  /** Whether the bridge posts its hold only after the job has started. */
  lateHold = false;
  /** Whether the tasks of a running job end at once on an exception. */
  endsWhenKilled = true;
  private follower: (event: JobEvent) => void = () => undefined;
  private ours = 0;

  constructor(private readonly clock: Clock) {}

  /** Passes the entries after the first `known` ones to the follower, and then each new entry. */
  follow(known: number, follower: (event: JobEvent) => void): void {
    this.follower = follower;
    for (const event of this.eventlog.slice(known)) follower(event);
  }

  has(name: string): boolean {
    return this.eventlog.some((event) => event.name === name);
  }

  get events(): string[] {
    return this.eventlog.map((event) => event.name);
  }

  /** Returns the last event of that name. */
  last(name: string): JobEvent | undefined {
    return this.eventlog.findLast((event) => event.name === name);
  }

  get isOver(): boolean {
    return this.has("finish") || this.fatal;
  }

  submit(): void {
    this.append("submit");
    if (!this.lateHold) this.post("prolog-start", { description: "usernetes" });
  }

  alloc(): void {
    this.append("alloc");
    this.goOn();
    if (this.lateHold) this.post("prolog-start", { description: "usernetes" });
  }

  /** Ends the job's tasks. The job's shell then waits for the teardown. */
  tasksDone(): void {
    this.append("memo", { usernetes: { tasks: "done" } });
  }

  finish(): void {
    this.append("finish", { status: 0 });
    this.holdEpilog();
  }

  exception(type: string, severity: number, note = ""): void {
    this.append("exception", { type, severity, note });
    if (severity > 0) return;
    this.holdEpilog();
    if (this.running && this.endsWhenKilled) this.append("finish", { status: 15 });
    this.goOn();
  }

  /** Handles an event that is posted to the job by RPC. */
  post(name: string, context: Record<string, unknown>): void {
    if (this.has("clean")) throw new FluxError(ENOENT, "unknown job");
    const counts = !this.running || this.fatal;
    this.append(name, context);
    if (name.endsWith("-start") && counts) this.ours++;
    if (name.endsWith("-finish") && counts) {
      if (this.ours > 0) this.ours--;
      else this.wrongFinishes++;
    }
    this.goOn();
  }

  append(name: string, context?: Record<string, unknown>): void {
    const event = { timestamp: this.clock.now(), name, ...(context ? { context } : {}) };
    this.eventlog.push(event);
    this.follower(event);
  }

  private get running(): boolean {
    return this.has("start") && !this.has("finish");
  }

  private get fatal(): boolean {
    return this.eventlog.some((e) => e.name === "exception" && e.context?.["severity"] === 0);
  }

  private holdEpilog(): void {
    if (this.has("alloc") && !this.has("epilog-start"))
      this.post("epilog-start", { description: "usernetes" });
  }

  private goOn(): void {
    if (this.ours + this.others > 0 || this.has("clean")) return;
    if (this.isOver) {
      if (this.running) return;
      if (this.has("alloc")) this.append("free");
      this.append("clean");
    } else if (this.has("alloc") && !this.has("start")) this.append("start");
  }
}
