/**
 * The flux command. It sends its arguments to the instance that FLUX_URI names and prints the
 * answer. The program is small, since it may be started for every call. client.pl does the same
 * for most calls and starts faster.
 *
 * `flux start` runs the instance itself. `flux version` and `flux job id` do not need an instance.
 */
import { readFileSync } from "node:fs";
import { callInstance, socketOf } from "./client.js";

/** These commands forward signals to the processes that they run. Signals end all others. */
const FORWARDS = new Set(["exec", "run"]);

/** Exits after all output has been written, so that none of it is lost. */
function exitWhenWritten(status: number): void {
  process.stdout.write("", () => {
    process.stderr.write("", () => process.exit(status));
  });
}

/**
 * Returns the environment with the SANDBOX_USER of the parent process. The caller of `flux exec`
 * thus keeps its user even if it sets another environment for the command.
 */
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
  // The command exits when the reader of its output has exited, as SIGPIPE would make it do.
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
