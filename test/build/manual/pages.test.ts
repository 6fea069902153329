/** The manual pages have everything that the help texts have, and man and mandoc accept them. */
import { run } from "../../../lib/host/runner.js";
import { execa } from "execa";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { loadProgram } from "../../../lib/cli/commands.js";
import type { HelpedCommand } from "../../../lib/help/command-help.js";
import { usernetesCommand } from "../../../lib/help/usernetes.js";
import { EXIT } from "../../../lib/errors.js";
import { packagePath } from "../../../lib/host/package.js";
import { pages, roffOfPage } from "../../../build/manual/pages.js";
import { man, missing, plain } from "./rendered.js";

const program = await loadProgram(run);
const all = pages(program).map((page) => ({
  file: `${page.name}.${page.section}`,
  roff: roffOfPage(page, "1.2.3", "2026-01-02"),
}));
const roff = (file: string) => all.find((page) => page.file === file)?.roff ?? "";
const words = (text: string) => text.replace(/\s+/g, " ").replaceAll("`", "").toLowerCase();

const ORDER = [
  ...["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "VERBS", "KEYS", "EXIT STATUS"],
  ...["ENVIRONMENT", "FILES", "EXAMPLES", "RESOURCES", "FLUX RFC", "SEE ALSO"],
];

t.test("the package has three pages, with the sections of Flux's pages", (t) => {
  t.strictSame(
    all.map(({ file }) => file),
    ["flux-usernetes.1", "usernetes.1", "flux-config-usernetes.5"],
  );
  for (const { roff } of all) {
    const sections = [...roff.matchAll(/^\.SH "(.*)"$/gm)].map(([, name]) => name);
    t.strictSame(
      sections.filter((it) => ORDER.includes(it ?? "")),
      ORDER.filter((it) => sections.includes(it)),
    );
    for (const name of ["NAME", "SYNOPSIS", "DESCRIPTION", "FILES", "EXAMPLES", "SEE ALSO"])
      t.ok(sections.includes(name), name);
  }
  const [first] = all;
  t.match(first?.roff, '.TH "FLUX\\-USERNETES" 1 2026-01-02 "flux\\-usernetes 1.2.3"');
  t.end();
});

t.test("each command's help is on its page", (t) => {
  for (const [file, command, each] of [
    ["flux-usernetes.1", "flux[ -]usernetes", program],
    ["usernetes.1", "usernetes", usernetesCommand()],
  ] as const) {
    const page = words(plain(roff(file)));
    for (const { name, text } of each.subcommands().map(textsOf)) {
      t.match(page, new RegExp(` ${command} ${name}`), "in the synopsis");
      for (const part of text)
        if (part) t.ok(page.includes(words(part)), `${file}: ${name}: ${part}`);
    }
  }
  t.end();
});

function textsOf(command: HelpedCommand) {
  const text = [
    command.description(),
    ...command.options.flatMap(({ description, short, long }) => [description, short, long]),
    ...command.registeredArguments.map(({ description }) => description),
    ...command.paragraphs(),
    command.exitCodes(),
    ...command.examples(),
  ];
  return { name: command.name(), text };
}

t.test("flux-usernetes(1) names each exit code", (t) => {
  const [, section = ""] = plain(roff("flux-usernetes.1")).split('"EXIT STATUS"\n');
  const codes = [...(section.split('\n"')[0]?.matchAll(/^([0-9]+)$/gm) ?? [])].map(([, it]) =>
    Number(it),
  );
  t.strictSame(codes, Object.values(EXIT));
  t.end();
});

t.test("package.json lists each page, and the build writes it", (t) => {
  const { man } = JSON.parse(readFileSync(packagePath("package.json"), "utf8")) as {
    man: string[];
  };
  t.strictSame(
    man,
    all.map(({ file }) => `dist/share/man/man${file.slice(-1)}/${file}`),
  );
  const undated = (text: string) => text.replace(/^\.TH .*$/m, "");
  man.forEach((path, index) => {
    t.equal(
      undated(readFileSync(packagePath(path), "utf8")),
      undated(all[index]?.roff ?? ""),
      `${path}: npm run build`,
    );
  });
  t.end();
});

t.test("man finds no fault, and each line fits", { skip: await missing("man") }, async (t) => {
  for (const { file, roff } of all) {
    const path = join(t.testdir(), file);
    writeFileSync(path, roff);
    for (const locale of ["C.UTF-8", "C"]) {
      const { text, warnings } = await man(path, 80, locale);
      t.equal(warnings, "", `${file} in ${locale}`);
      for (const line of text.split("\n")) t.ok(line.length <= 80, line);
      t.match(text, "SEE ALSO");
      if (locale === "C") t.notMatch(text, /[^\n -~]/, "nothing that ASCII has not");
    }
  }
});

t.test("mandoc finds no fault either", { skip: await missing("mandoc") }, async (t) => {
  for (const { file, roff } of all) {
    const { stdout } = await execa("mandoc", ["-T", "lint"], { input: roff, reject: false });
    t.equal(stdout, "", file);
  }
});
