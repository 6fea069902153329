/**
 * Runs `flux start`, or a `flux broker` of rank 0, with an initial program that waits until its
 * stdin is closed. Stderr is written to flux-start.err in the directory.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Setting } from "./run-command.js";

const IMPATIENCE_MS = 30_000;

export interface StartedFlux {
  uri: string;
  /** The exit status of `flux start`. */
  ended: Promise<number>;
  /** Closes the initial program's stdin, so that the instance ends. */
  stop: () => Promise<void>;
}

/** Starts the command `argv`, and appends the initial program to it. */
export async function startFlux(argv: string[], { env, cwd }: Setting): Promise<StartedFlux> {
  const [command = "flux", ...args] = argv;
  const program = ["sh", "-c", 'echo "$FLUX_URI"; read -r _; true'];
  const stderr = openSync(join(cwd, "flux-start.err"), "w");
  const child = spawn(command, [...args, ...program], {
    cwd,
    env,
    stdio: ["pipe", "pipe", stderr],
  });
  closeSync(stderr);
  const ended = new Promise<number>((resolve) => {
    child.on("exit", (status) => {
      resolve(status ?? 1);
    });
  });
  const uri = await new Promise<string>((resolve, reject) => {
    child.on("exit", () => {
      reject(new Error("flux start ended before it printed its URI"));
    });
    child.stdout?.once("data", (chunk: Buffer) => {
      resolve(chunk.toString().trim());
    });
  });
  return {
    uri,
    ended,
    async stop() {
      child.stdin?.end();
      const impatience = setTimeout(() => child.kill("SIGKILL"), IMPATIENCE_MS);
      await ended;
      clearTimeout(impatience);
    },
  };
}
