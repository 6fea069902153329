/**
 * The help of a command as data. `--help`, the manual pages and the shell completion are generated
 * from it, also for the commands that run without Node.js: lib/help/usernetes.ts,
 * lib/help/sh-commands.ts.
 */
import { Argument, Command } from "commander";

export interface CommandHelp {
  name: string;
  /** What the command does, without a capital letter at the start and a full stop at the end. */
  summary: string;
  /** The usage after the name, if `[options]` and the operands do not explain enough. */
  usage?: string;
  /** The keys are operands, such as `<cluster>` or `[job...]`. */
  operands?: Record<string, string | { text: string; choices: string[] }>;
  /**
   * The keys are flags, such as `-o, --output <file>`. An option with `<name...>` takes several
   * values, and its default is an empty list.
   */
  options?: Record<string, string | { text: string; default: string }>;
  /** Paragraphs. Line breaks within a paragraph are ignored. */
  details?: string[];
  /** The meaning of each exit status. */
  exits?: Record<string, string>;
  /** An example may have several lines. */
  examples: string[];
}

/**
 * The fewest columns into which the text of an option is wrapped. commander's default of 40 is too
 * many for a terminal of 60 columns.
 */
const NARROWEST = 20;
/** The width in columns if the output is not a terminal. commander has the same default. */
const WIDTH = 80;

/** A command with its help. The caller adds the action. */
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

  /** The subcommands without `help`, which commander adds. */
  subcommands(): HelpedCommand[] {
    return this.commands.filter((each) => each instanceof HelpedCommand);
  }

  /** The details, with each paragraph on one line. */
  paragraphs(): string[] {
    return (this.helpData.details ?? []).map((text) => text.replace(/\s*\n\s*/g, " "));
  }

  /** `Exit codes: 0 done, 1 failed.` */
  exitCodes(): string | undefined {
    if (!this.helpData.exits) return undefined;
    const each = Object.entries(this.helpData.exits).map(([status, text]) => `${status} ${text}`);
    return `Exit codes: ${each.join(", ")}.`;
  }

  /** The lines of all examples. */
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
