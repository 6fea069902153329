/**
 * Assembles the manual pages from the prose of docs/man and from parts that are generated from the
 * commands and the schema.
 */
import type { HelpedCommand } from "../../lib/help/command-help.js";
import { usernetesCommand } from "../../lib/help/usernetes.js";
import { readFileSync } from "node:fs";
import { packagePath } from "../../lib/host/package.js";
import { item, paragraph, sentence, type Block } from "./blocks.js";
import { commandBlocks, optionItems, synopsisOf } from "./commands.js";
import { keyBlocks } from "./keys.js";
import { readMarkdown } from "./markdown.js";
import { roffOf, type PageTitle } from "./roff.js";

export interface Page extends Pick<PageTitle, "name" | "section"> {
  blocks: Block[];
}

export function pages(program: HelpedCommand): Page[] {
  return [
    page("flux-usernetes", 1, programParts(program)),
    page("usernetes", 1, usernetesParts()),
    page("flux-config-usernetes", 5, { keys: keyBlocks() }),
  ];
}

/** Formats a page as a file. `version`: the version of the package. `date`: YYYY-MM-DD. */
export function roffOfPage({ name, section, blocks }: Page, version: string, date: string): string {
  const manual = section === 1 ? "Flux Command Reference" : "Flux File Formats";
  return roffOf({ name, section, date, source: `flux-usernetes ${version}`, manual }, blocks);
}

function page(name: string, section: number, made: Record<string, Block[]>): Page {
  const text = readFileSync(packagePath("docs", "man", `${name}.${section}.md`), "utf8");
  return { name, section, blocks: readMarkdown(text, made) };
}

function programParts(program: HelpedCommand): Record<string, Block[]> {
  return {
    synopsis: [synopsisOf(program)],
    commands: program.subcommands().flatMap(commandBlocks),
  };
}

function usernetesParts(): Record<string, Block[]> {
  const program = usernetesCommand();
  return {
    ...programParts(program),
    options: optionItems(program),
    exits: Object.entries(program.helpData.exits ?? {}).map(([status, meaning]) =>
      item(status, [paragraph(sentence(meaning))]),
    ),
  };
}
