/** What addHelpText has added to a command's help, read as the help text that it is. */
import type { Command } from "commander";
import { readHelp, type HelpText } from "./help-text.js";

export const helpOf = (command: Command): HelpText => readHelp(textAfter(command));

export function textAfter(command: Command): string {
  const before = { ...command.configureOutput() };
  let printed = "";
  command.configureOutput({ writeOut: (text) => (printed += text) });
  command.outputHelp();
  command.configureOutput(before);
  return printed.slice(command.helpInformation().length);
}
