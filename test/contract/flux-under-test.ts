/**
 * A Flux as a contract test sees it, embedded or real: four ranks, the flux command as a process of
 * rank 0's user, and CONFIG.
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
   * Makes a rank's broker stop answering, as one that has just died does, until the result is
   * called.
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

/** Returns the job's eventlog when it has this event. */
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
