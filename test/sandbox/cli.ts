/**
 * The flux command: hands its arguments to the instance that FLUX_URI names and
 * prints what comes back. Kept small, since it is started for every call.
 *
 * `flux start` runs the instance itself; `flux version` and `flux job id` need none.
 */
import { connect } from "node:net";
import { frame, FrameReader } from "./wire.js";

/** These pass signals on to what they run; all others die of them. */
const FORWARDS = new Set(["exec", "run"]);

/** What its reader has not taken yet must not be lost. */
function exitWhenWritten(status: number): void {
  process.stdout.write("", () => {
    process.stderr.write("", () => process.exit(status));
  });
}

function callInstance(socketPath: string, argv: string[]): void {
  const socket = connect(socketPath);
  const reader = new FrameReader();
  let status: number | undefined;
  socket.write(frame("R", JSON.stringify({ argv, cwd: process.cwd(), env: process.env })));
  if (FORWARDS.has(argv[0] ?? "")) {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
      process.on(signal, () => socket.write(frame("S", signal)));
  }
  const sendStdin = () => {
    process.stdin.on("data", (chunk: Buffer) => socket.write(frame("I", chunk)));
    process.stdin.on("end", () => socket.write(frame("E")));
    process.stdin.on("error", () => socket.write(frame("E")));
  };
  socket.on("data", (chunk) => {
    for (const { type, payload } of reader.feed(chunk)) {
      if (type === "O") process.stdout.write(payload);
      else if (type === "P") process.stderr.write(payload);
      else if (type === "W") sendStdin();
      else if (type === "X") {
        status = Number(payload.toString());
        exitWhenWritten(status);
      }
    }
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    void refuse(argv, socketPath, error);
  });
  socket.on("close", () => {
    if (status !== undefined || socket.errored) return;
    process.stderr.write(
      `flux-${argv[0] ?? ""}: lost connection to the broker: Connection reset by peer\n`,
    );
    process.exit(1);
  });
}

async function refuse(
  argv: string[],
  socketPath: string,
  error: NodeJS.ErrnoException,
): Promise<void> {
  if (argv[0] === "python") {
    const { sayConnectFailure } = await import("./without-instance.js");
    sayConnectFailure(argv, socketPath);
  } else {
    const reason =
      error.code === "ECONNREFUSED" ? "Connection refused" : "No such file or directory";
    process.stderr.write(`flux-${argv[0] ?? ""}: Unable to connect to Flux: ${reason}\n`);
  }
  process.exit(1);
}

async function main(argv: string[]): Promise<void> {
  const uri = process.env["FLUX_URI"];
  // A reader that went away ends the command, as SIGPIPE would.
  process.stdout.on("error", () => process.exit(141));
  if (argv[0] && (process.env["FLUX_EXEC_PATH"] || argv[0] === "usernetes")) {
    const { findProgram, runProgram } = await import("./external.js");
    const program = findProgram(argv[0]);
    if (program) process.exit(await runProgram(program, argv.slice(1)));
  }
  if (argv[0] === "start") {
    const { start } = await import("./start.js");
    process.exit(await start(argv.slice(1)));
  }
  if (argv[0] === "version" || (argv[0] === "job" && argv[1] === "id") || !uri) {
    const { runWithoutInstance } = await import("./without-instance.js");
    process.exit(await runWithoutInstance(argv));
  }
  callInstance(uri.replace(/^local:\/\//, ""), argv);
}

await main(process.argv.slice(2));
