/** Runs a command line. An error becomes one line on stderr and an exit code. */
import { constants } from "node:os";
import { CommanderError, type Command } from "commander";
import { CommandError, EXIT, messageOf } from "../errors.js";
import { terminalLook } from "../view/terminal.js";

/** `check` throws a CommandError if the command line must not run. */
export async function runProgram(
  program: Command,
  argv: string[],
  check: () => void = () => undefined,
): Promise<void> {
  const name = program.name();
  prepare(program, name);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    endOutput(name, error);
  });
  try {
    check();
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are not errors; anything else is wrong usage, which commander has printed.
      process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
      return;
    }
    process.stderr.write(`${name}: ${messageOf(error)}\n`);
    process.exitCode = error instanceof CommandError ? error.status : EXIT.failed;
  }
}

/**
 * If the reader of stdout has gone (`| head`), the command ends without a message, as with SIGPIPE.
 */
function endOutput(name: string, error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(128 + constants.signals.SIGPIPE);
  process.stderr.write(`${name}: stdout: ${error.message}\n`);
  process.exit(EXIT.failed);
}

/** Replaces the `ƒ` of job IDs if the locale does not have it. */
const inLocale = (text: string) => (terminalLook().wide ? text : text.replaceAll("ƒ", "f"));

/** Commander passes these settings on only to commands that it creates itself. */
export function prepare(command: Command, name: string): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => process.stdout.write(inLocale(text)),
    outputError: (text, write) => {
      write(`${name}: ${text.trim().replace(/^error: /, "")} (see ${name} --help)\n`);
    },
  });
  for (const sub of command.commands) prepare(sub, name);
}
