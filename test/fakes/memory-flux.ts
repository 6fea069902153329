/** A stand-in for the reconciler's Flux: a KVS in memory, one job, and a list of all requests. */
import { decodeIdset } from "../../lib/flux/idset.js";
import { parseEventlog, type RecordEvent } from "../../lib/record/events.js";
import type { Operation } from "../../lib/record/writer.js";
import { recordKey } from "../../lib/record/writer.js";
import type { Flux } from "../../plugin/world.js";
import type { FakeJob } from "./fake-job.js";

type Verb = keyof Flux;

export class MemoryFlux implements Flux {
  readonly kvs = new Map<string, string>();
  /** `verb rest` of each request in order, including failed ones. */
  readonly requests: string[] = [];
  readonly memos: unknown[] = [];
  /** The reason for each drained rank. */
  readonly reasons = new Map<string, string>();
  /** Called after a commit has changed the KVS and before the commit is answered. */
  onCommit: (operations: string) => void = () => undefined;
  private readonly failures = new Map<Verb, Error[]>();

  constructor(
    private readonly jobid: bigint,
    private readonly job: FakeJob,
  ) {}

  /** Makes the next `times` requests of that verb fail. */
  fail(verb: Verb, times: number, error = new Error("the bridge ended")): void {
    this.failures.set(
      verb,
      Array.from({ length: times }, () => error),
    );
  }

  get record(): RecordEvent[] {
    return parseEventlog<RecordEvent>(this.recordText);
  }

  get recordText(): string {
    return this.kvs.get(recordKey(this.jobid)) ?? "";
  }

  async post(_id: bigint, name: string, context: Record<string, unknown>): Promise<void> {
    await this.ask("post", `${name} ${String(context["status"])}`);
    this.job.post(name, context);
  }

  async memo(_id: bigint, memo: Record<string, unknown>): Promise<void> {
    await this.ask("memo", JSON.stringify(memo));
    this.memos.push(memo);
    this.job.post("memo", memo);
  }

  async raise(_id: bigint, note: string): Promise<void> {
    await this.ask("raise", note);
    this.job.exception("usernetes", 0, note);
  }

  async expire(): Promise<void> {
    await this.ask("expire", "");
    this.job.exception("timeout", 0, "resource allocation expired");
  }

  async update(_id: bigint, updates: Record<string, unknown>): Promise<void> {
    await this.ask("update", JSON.stringify(updates));
    this.job.post("jobspec-update", updates);
  }

  async commit(operations: Operation[]): Promise<void> {
    const words = operations.map(([verb, key]) => `${verb} ${key}`).join(", ");
    await this.ask("commit", words);
    for (const [verb, key, value] of operations)
      if (verb === "append") this.kvs.set(key, (this.kvs.get(key) ?? "") + value);
      else if (verb === "put") this.kvs.set(key, JSON.stringify(value));
      else this.kvs.delete(key);
    this.onCommit(words);
  }

  async lookup(key: string): Promise<string | undefined> {
    await this.ask("lookup", key);
    return this.kvs.get(key);
  }

  async drain(ranks: string, reason: string): Promise<void> {
    await this.ask("drain", `${ranks} ${reason}`);
    for (const rank of decodeIdset(ranks)) this.reasons.set(String(rank), reason);
  }

  async drained(): Promise<Record<string, string>> {
    await this.ask("drained", "");
    return Object.fromEntries(this.reasons);
  }

  async undrain(ranks: string, reason: string): Promise<void> {
    await this.ask("undrain", `${ranks} ${reason}`);
    for (const rank of decodeIdset(ranks)) this.reasons.delete(String(rank));
  }

  private async ask(verb: Verb, rest: string): Promise<void> {
    this.requests.push(`${verb} ${rest}`);
    await new Promise((resolve) => setImmediate(resolve));
    const error = this.failures.get(verb)?.shift();
    if (error) throw error;
  }
}
