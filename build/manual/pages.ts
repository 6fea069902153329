/** The manual pages: prose of docs/man, and what is made of the commands and the schema. */
import type { Command } from "commander";
import { readFileSync } from "node:fs";
import { packagePath } from "../../lib/host/package.js";
import { item, paragraph, sentence, type Block } from "../../lib/help/blocks.js";
import {
  optionItems,
  SH_COMMANDS,
  shCommandHelp,
  synopsis,
  usernetesHelp,
  verbBlocks,
  verbsOf,
} from "./front-end.js";
import { keyBlocks } from "./keys.js";
import { readMarkdown } from "./markdown.js";
import { commandBlocks, moreOf, usageOf } from "./program-page.js";
import { roffOf, type PageTitle } from "./roff.js";

export interface Page extends Pick<PageTitle, "name" | "section"> {
  blocks: Block[];
}

export function pages(program: Command): Page[] {
  return [
    page("flux-usernetes", 1, programParts(program)),
    page("usernetes", 1, usernetesParts()),
    page("flux-config-usernetes", 5, { keys: keyBlocks() }),
  ];
}

/** As a file. `version`: of the package; `date`: YYYY-MM-DD. */
export function roffOfPage({ name, section, blocks }: Page, version: string, date: string): string {
  const manual = section === 1 ? "Flux Command Reference" : "Flux File Formats";
  return roffOf({ name, section, date, source: `flux-usernetes ${version}`, manual }, blocks);
}

function page(name: string, section: number, made: Record<string, Block[]>): Page {
  const text = readFileSync(packagePath("docs", "man", `${name}.${section}.md`), "utf8");
  return { name, section, blocks: readMarkdown(text, made) };
}

function programParts(program: Command): Record<string, Block[]> {
  const inSh = SH_COMMANDS.map((name) => ({ name, help: shCommandHelp(name) }));
  const usages = inSh.flatMap(({ help }) => help.usage.map(synopsis));
  return {
    synopsis: [{ kind: "lines", texts: [...program.commands.map(usageOf), ...usages] }],
    commands: [
      ...program.commands.flatMap(commandBlocks),
      ...inSh.flatMap(({ name, help }) => verbBlocks(name, help)),
    ],
  };
}

function usernetesParts(): Record<string, Block[]> {
  const main = usernetesHelp();
  // Those that have no help of their own are in a table of it.
  const described = main.prose.map((block) => (block.kind === "item" ? block.term : ""));
  const others = verbsOf(main).filter((verb) => !described.includes(`\`${verb}\``));
  return {
    synopsis: [{ kind: "lines", texts: main.usage.map(synopsis) }],
    options: optionItems(main),
    commands: [
      ...moreOf({ ...main, exitCodes: undefined, examples: [] }),
      ...others.flatMap((verb) => verbBlocks(verb, usernetesHelp(verb))),
    ],
    exits: exitItems(main.exitCodes ?? ""),
    examples: moreOf({ ...main, prose: [], exitCodes: undefined }).filter(
      ({ kind }) => kind === "code",
    ),
  };
}

/** `0 done, 1 failed`, one by one. */
function exitItems(codes: string): Block[] {
  return codes.split(/, (?=[0-9]+ )/).map((each) => {
    const [, status = "", words = ""] = /^([0-9]+) (.*)$/.exec(each) ?? [];
    return item(status, [paragraph(sentence(words))]);
  });
}
