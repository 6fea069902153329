/**
 * The flux command: hands its arguments to the instance that FLUX_URI names and
 * prints what comes back. Kept small, since it may be started for every call; client.pl
 * does the same where it can.
 *
 * `flux start` runs the instance itself; `flux version` and `flux job id` need none.
 */
import { readFileSync } from "node:fs";
import { callInstance, socketOf } from "./client.js";

/** These commands pass signals on to what they run. All others end on them. */
const FORWARDS = new Set(["exec", "run"]);

/** Output that the reader has not received yet must not be lost. */
function exitWhenWritten(status: number): void {
  process.stdout.write("", () => {
    process.stderr.write("", () => process.exit(status));
  });
}

/** The caller of `flux exec` keeps its user, whatever the environment of the command is. */
function isCaller(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  try {
    const theirs = readFileSync(`/proc/${process.ppid}/environ`, "utf8").split("\0");
    const user = theirs.find((line) => line.startsWith("SANDBOX_USER="))?.split("=")[1];
    return user ? { ...env, SANDBOX_USER: user } : env;
  } catch {
    return env;
  }
}

async function ask(socketPath: string, argv: string[]): Promise<void> {
  const env =
    argv[0] === "exec" && !process.env["SANDBOX_USER"] ? isCaller(process.env) : process.env;
  const calling = callInstance(
    socketPath,
    { argv, cwd: process.cwd(), env: env as Record<string, string> },
    {
      onStdout: (chunk) => process.stdout.write(chunk),
      onStderr: (chunk) => process.stderr.write(chunk),
      onStdinWanted: () => {
        process.stdin.on("data", calling.stdin);
        process.stdin.on("end", calling.endOfStdin);
        process.stdin.on("error", calling.endOfStdin);
      },
    },
  );
  if (FORWARDS.has(argv[0] ?? "")) {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
      process.on(signal, () => {
        calling.signal(signal);
      });
  }
  try {
    const status = await calling.ended;
    if (status === undefined)
      process.stderr.write(
        `flux-${argv[0] ?? ""}: lost connection to the broker: Connection reset by peer\n`,
      );
    exitWhenWritten(status ?? 1);
  } catch (error) {
    refuse(argv, error as NodeJS.ErrnoException);
  }
}

function refuse(argv: string[], error: NodeJS.ErrnoException): never {
  const reason = error.code === "ECONNREFUSED" ? "Connection refused" : "No such file or directory";
  process.stderr.write(`flux-${argv[0] ?? ""}: Unable to connect to Flux: ${reason}\n`);
  process.exit(1);
}

async function main(argv: string[]): Promise<void> {
  const uri = process.env["FLUX_URI"];
  // A reader that exits ends the command, as SIGPIPE would.
  process.stdout.on("error", () => process.exit(141));
  if (argv[0] === "start") {
    const { start } = await import("./start.js");
    process.exit(await start(argv.slice(1)));
  }
  if (argv[0] === "version" || (argv[0] === "job" && argv[1] === "id") || !uri) {
    const { runWithoutInstance } = await import("./without-instance.js");
    process.exit(await runWithoutInstance(argv));
  }
  await ask(socketOf(uri), argv);
}

await main(process.argv.slice(2));
