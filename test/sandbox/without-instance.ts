/**
 * The actions of the flux command that need no instance: it prints its version, converts job IDs,
 * and reports that no instance answers.
 */
import { text } from "node:stream/consumers";
import { Refusal } from "./refusal.js";
import { convertIds } from "./cli/job-id.js";
import { VERSION } from "./paths.js";

/** Flux implements these commands in Python. Their error messages have another format. */
const PYTHON = [
  "batch",
  "cancel",
  "hostlist",
  "jobs",
  "queue",
  "resource",
  "run",
  "submit",
  "update",
];

function printVersion(): number {
  process.stdout.write(`commands:    \t\t${VERSION}\nlibflux-core:\t\t${VERSION}\n`);
  const uri = process.env["FLUX_URI"];
  if (uri) process.stdout.write(`broker:  \t\t${VERSION}\nFLUX_URI:\t\t${uri}\n`);
  process.stdout.write("build-options:\t\t+embedded\n");
  return 0;
}

function connectFailure([name = ""]: string[]): string {
  const path = "/run/flux/local";
  if (PYTHON.includes(name))
    return `flux-${name}: ERROR: Unable to connect to Flux: broker socket ${path} was not found`;
  if (["getattr", "dmesg", "logger"].includes(name))
    return "flux: flux_open: No such file or directory";
  return `flux-${name}: flux_open: No such file or directory`;
}

export async function runWithoutInstance(argv: string[]): Promise<number> {
  if (argv[0] === "version") return printVersion();
  if (argv[0] !== "job" || argv[1] !== "id") {
    process.stderr.write(`${connectFailure(argv)}\n`);
    return 1;
  }
  try {
    return await convertIds({
      argv: argv.slice(2),
      env: process.env,
      out: (words) => process.stdout.write(words),
      stdin: () => text(process.stdin),
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error.status;
  }
}
