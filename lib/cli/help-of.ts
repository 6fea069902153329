/** What addHelpText has added to a command's help, read as the help text that it is. */
import type { Command } from "commander";
import { readHelp, type HelpText } from "../manual/help-text.js";

export function helpOf(command: Command): HelpText {
  const before = { ...command.configureOutput() };
  let printed = "";
  command.configureOutput({ writeOut: (text) => (printed += text) });
  command.outputHelp();
  command.configureOutput(before);
  return readHelp(printed.slice(command.helpInformation().length));
}
