/**
 * The interface to the Flux instance of a contract test, which is embedded or real. It has four
 * ranks and the configuration CONFIG, and runs the flux command as rank 0's user.
 */
import type { LiveCommand, Result } from "../hosts/run-command.js";

export const CONFIG = `[usernetes]
template = "/opt/usernetes"
ports = "20000-29999"
attempts = { up = 2 }
`;

export interface FluxUnderTest {
  kind: "embedded" | "real";
  /** A directory that is different on each host. */
  disk: string;
  /** Runs `flux ARGS` to its end. */
  run(args: string[], input?: string): Promise<Result>;
  /** Starts `flux ARGS` and leaves it running. */
  spawn(args: string[]): LiveCommand;
  /**
   * Makes a rank's broker stop answering, like one that has just died. The broker answers again
   * when the returned function is called.
   */
  stall(rank: number): Promise<() => void>;
  stop(): Promise<void>;
}

/** Runs `flux ARGS` and returns its trimmed stdout. Rejects if it fails. */
export async function output(flux: FluxUnderTest, ...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await flux.run(args);
  if (exitCode !== 0) throw new Error(`flux ${args.join(" ")}: exit ${exitCode}: ${stderr}`);
  return stdout.trim();
}

export interface Entry {
  timestamp: number;
  name: string;
  context?: Record<string, unknown>;
}

/** Waits until the job's eventlog has this event, and returns the eventlog. */
export async function eventsUntil(
  flux: FluxUnderTest,
  job: string,
  name: string,
): Promise<Entry[]> {
  await output(flux, "job", "wait-event", "-t", "20", "-q", job, name);
  return events(flux, job);
}

export async function events(flux: FluxUnderTest, job: string): Promise<Entry[]> {
  const text = await output(flux, "job", "eventlog", "--format=json", job);
  return text.split("\n").map((line) => JSON.parse(line) as Entry);
}

export const names = (entries: Entry[]): string[] => entries.map(({ name }) => name);
