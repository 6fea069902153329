/** Runs a command line and turns what it throws into one line on stderr and an exit code. */
import { constants } from "node:os";
import { CommanderError, type Command } from "commander";
import { CommandError, EXIT, messageOf } from "../errors.js";
import { terminalLook } from "../view/terminal.js";

/** `check` throws a CommandError where the command line is not to be run. */
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

/** A reader that went away (`| head`) ends a command without a word, as SIGPIPE does. */
function endOutput(name: string, error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(128 + constants.signals.SIGPIPE);
  process.stderr.write(`${name}: stdout: ${error.message}\n`);
  process.exit(EXIT.failed);
}

/** Job IDs with the `ƒ` that the locale may not have. */
const inLocale = (text: string) => (terminalLook().wide ? text : text.replaceAll("ƒ", "f"));

/** Commander passes these settings on only to commands that it makes itself. */
export function prepare(command: Command, name: string): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => process.stdout.write(inLocale(text)),
    outputError: (text, write) => {
      write(`${name}: ${text.trim().replace(/^error: /, "")} (see ${name} --help)\n`);
    },
  });
  for (const sub of command.commands) prepare(sub, name);
}
