/** Runs the flux command for a test. */
import { join } from "node:path";
import { runCommand, type Result, type Setting } from "../hosts/run-command.js";
import { callInstance, socketOf } from "./client.js";
import { BIN } from "./paths.js";

/** Commands that do not go to the instance: the flux command runs them itself or as a program. */
const NOT_OF_THE_INSTANCE = /^(start|version|usernetes|python|job id)\b/;

/**
 * Runs `flux ARGS` from this process, which takes a tenth of the time of a new process. A command
 * that does not go to the instance is started as a process.
 */
export async function runFlux(argv: string[], setting: Setting): Promise<Result> {
  const { env, cwd, input = "" } = setting;
  const uri = env["FLUX_URI"];
  const start = () => runCommand(join(BIN, "flux"), argv, setting);
  if (!uri || env["FLUX_EXEC_PATH"] || NOT_OF_THE_INSTANCE.test(argv.join(" "))) return start();
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const calling = callInstance(
    socketOf(uri),
    { argv, cwd, env },
    {
      onStdout: (chunk) => out.push(chunk),
      onStderr: (chunk) => err.push(chunk),
      onStdinWanted: () => {
        if (input !== "") calling.stdin(Buffer.from(input));
        calling.endOfStdin();
      },
    },
  );
  try {
    const exitCode = await calling.ended;
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString();
    if (exitCode !== undefined) return { stdout: text(out), stderr: text(err), exitCode };
  } catch {
    // No instance answers. The command is started as a process, which prints the error message.
  }
  return start();
}
