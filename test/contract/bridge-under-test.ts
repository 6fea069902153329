/** Starts plugin/bridge.py in an instance and speaks the daemon's side of its protocol. */
import { join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";
import type { FluxUnderTest } from "./flux-under-test.js";
import type { LiveCommand } from "../hosts/run-command.js";

export type Message = Record<string, unknown> & { type: string };

export const BRIDGE = join(PACKAGE, "plugin/bridge.py");

export const CALL = join(PACKAGE, "plugin/call.py");

export class BridgeUnderTest {
  #seq = 0;

  private constructor(readonly command: LiveCommand) {}

  /** Resolves when the bridge has read the journal's history. */
  static async open(flux: FluxUnderTest, ...options: string[]): Promise<BridgeUnderTest> {
    const bridge = new BridgeUnderTest(flux.spawn(["python", BRIDGE, ...options]));
    await bridge.message((message) => message.type === "sentinel");
    return bridge;
  }

  get messages(): Message[] {
    return this.command.lines.map((line) => JSON.parse(line) as Message);
  }

  async message(matches: (message: Message) => boolean): Promise<Message> {
    const line = await this.command.line((text) => matches(JSON.parse(text) as Message));
    return JSON.parse(line) as Message;
  }

  /** Resolves to the bridge's `job` message about this job. */
  job(id: string): Promise<Message> {
    return this.message((message) => message.type === "job" && message["id"] === id);
  }

  /** Resolves to the reply to a request, without its envelope. */
  async request(op: string, fields: Record<string, unknown>): Promise<Record<string, unknown>> {
    const seq = ++this.#seq;
    this.command.child.stdin.write(`${JSON.stringify({ seq, op, ...fields })}\n`);
    const reply = await this.message(
      (message) => message.type === "reply" && message["seq"] === seq,
    );
    return Object.fromEntries(
      Object.entries(reply).filter(([key]) => key !== "type" && key !== "seq"),
    );
  }

  /** Closes the bridge's stdin, and resolves to its exit code. */
  close(): Promise<number> {
    this.command.child.stdin.end();
    return this.command.ended;
  }
}
