/**
 * The help of a command as data. `--help`, the manual pages and the completion are made of it,
 * also for the commands that run without Node.js: lib/help/usernetes.ts, lib/help/sh-commands.ts.
 */
import { Argument, Command } from "commander";

export interface CommandHelp {
  name: string;
  /** What the command does, without a capital and a full stop. */
  summary: string;
  /** What follows the name, if `[options]` and the operands do not say enough. */
  usage?: string;
  /** By `<cluster>` or `[job...]`. */
  operands?: Record<string, string | { text: string; choices: string[] }>;
  /** By `-o, --output <file>`. `<name...>` takes several values, and has an empty list by default. */
  options?: Record<string, string | { text: string; default: string }>;
  /** Paragraphs; line breaks in them do not count. */
  details?: string[];
  /** What each exit status means. */
  exits?: Record<string, string>;
  /** An example may have several lines. */
  examples: string[];
}

/** Columns that the text of an option is wrapped into; commander's own 40 are too many for 60. */
const NARROWEST = 20;
/** As commander has it where there is no terminal. */
const WIDTH = 80;

/** A command with its help, which is yet to be given its action. */
export class HelpedCommand extends Command {
  constructor(readonly helpData: CommandHelp) {
    super(helpData.name);
    const { summary, usage, operands = {}, options = {} } = helpData;
    this.description(summary).configureHelp({ minWidthToWrap: NARROWEST });
    if (usage !== undefined) this.usage(usage);
    for (const [name, value] of Object.entries(operands)) {
      const { text, choices } = typeof value === "string" ? { text: value } : value;
      const argument = new Argument(name, text);
      this.addArgument(choices ? argument.choices(choices) : argument);
    }
    for (const [flags, value] of Object.entries(options)) {
      if (typeof value !== "string") this.option(flags, value.text, value.default);
      else if (flags.includes("...")) this.option(flags, value, []);
      else this.option(flags, value);
    }
    this.addHelpText("after", () => this.afterOptions());
  }

  /** Without `help`, which commander adds. */
  subcommands(): HelpedCommand[] {
    return this.commands.filter((each) => each instanceof HelpedCommand);
  }

  /** The details, one line a paragraph. */
  paragraphs(): string[] {
    return (this.helpData.details ?? []).map((text) => text.replace(/\s*\n\s*/g, " "));
  }

  /** `Exit codes: 0 done, 1 failed.` */
  exitCodes(): string | undefined {
    if (!this.helpData.exits) return undefined;
    const each = Object.entries(this.helpData.exits).map(([status, text]) => `${status} ${text}`);
    return `Exit codes: ${each.join(", ")}.`;
  }

  /** Lines. */
  examples(): string[] {
    return this.helpData.examples.flatMap((example) => example.split("\n"));
  }

  /** The part of the help after the options, as wide as the terminal. */
  private afterOptions(): string {
    const width = this.configureOutput().getOutHelpWidth?.() ?? WIDTH;
    const help = this.createHelp();
    help.prepareContext({ helpWidth: width });
    const paragraphs = [...this.paragraphs(), this.exitCodes() ?? ""];
    const title = this.helpData.examples.length > 1 ? "Examples:" : "Example:";
    const parts = [
      ...paragraphs.filter((text) => text !== "").map((text) => help.boxWrap(text, width)),
      [title, ...this.examples().map((line) => `  ${line}`)].join("\n"),
    ];
    return `\n${parts.join("\n\n")}`;
  }
}
