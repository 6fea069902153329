/**
 * One call of the flux command, as the code of the command sees it. All text here has the
 * instance's paths (`hosts/self`). The server translates the text in both directions.
 */
import type { Host } from "./host.js";
import type { Instance } from "./instance.js";

export interface Call {
  instance: Instance;
  rank: number;
  host: Host;
  /** The command's arguments without its name. */
  argv: string[];
  cwd: string;
  env: Record<string, string>;
  out: (text: string) => void;
  err: (text: string) => void;
  outBytes: (chunk: Buffer) => void;
  errBytes: (chunk: Buffer) => void;
  /** Asks the client for its stdin, chunk by chunk. `end` is called once. */
  onStdin(data: (chunk: Buffer) => void, end: () => void): void;
  onSignal(handler: (signal: NodeJS.Signals) => void): void;
  /** Aborted when the client has exited. */
  gone: AbortSignal;
}

export type Command = (call: Call) => number | Promise<number>;

/** Resolves to the whole of stdin as text. */
export function readStdin(call: Call): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    call.onStdin(
      (chunk) => chunks.push(chunk),
      () => {
        resolve(Buffer.concat(chunks).toString("utf8"));
      },
    );
  });
}
