/** What --help prints: lib/cli, as far as it holds for all commands. */
import { run } from "../../lib/host/runner.js";
import type { Command } from "commander";
import t from "tap";
import { loadProgram } from "../../lib/cli/commands.js";
import { helpOf, textAfter } from "../../lib/help/help-of.js";
import { filled } from "../../lib/help/help-width.js";
import { prepare } from "../../lib/cli/program.js";

const program = await loadProgram(run);
const commands: [string, Command][] = [
  ["flux-usernetes", program],
  ...program.commands.map((command): [string, Command] => [command.name(), command]),
];

t.test("every command has a description, and its help ends with an example", (t) => {
  t.ok(commands.length > 10);
  for (const [name, command] of commands) {
    t.match(command.description(), /\w/, `${name}: a description`);
    const { examples } = helpOf(command);
    t.match(textAfter(command), /\nExamples?:\n( {2}.*\n|\n)+$/, `${name}: Example: at the end`);
    t.match(examples.join("\n"), /usernetes/, `${name}: the example`);
    for (const line of examples)
      t.ok(line.length <= 68, `${name}: "${line}" fits on a page of 80 columns`);
    if (name !== "flux-usernetes") t.ok(helpOf(command).exitCodes, `${name}: Exit codes:`);
  }
  t.end();
});

t.test("every option and every argument is described", (t) => {
  for (const [name, command] of commands) {
    for (const { flags, description } of command.options)
      t.match(description, /\w/, `${name} ${flags}`);
    for (const argument of command.registeredArguments)
      t.match(argument.description, /\w/, `${name} ${argument.name()}`);
  }
  t.end();
});

const TEXT = `
Some words that are longer than what
is to be seen.

Exit codes: 0 done, 1 failed.

Examples:
  flux usernetes status --watch   ƒ2QT1HSJy5
  second
`;

t.test("paragraphs are as wide as the terminal, and what is indented stays as it is", (t) => {
  t.equal(
    filled(TEXT, { width: 24, wide: true }),
    `
Some words that are
longer than what is to
be seen.

Exit codes: 0 done, 1
failed.

Examples:
  flux usernetes status --watch   ƒ2QT1HSJy5
  second
`,
  );
  t.end();
});

t.test("options are as wide as the terminal, also where it is narrow", async (t) => {
  const narrow = await loadProgram(run);
  prepare(narrow, "flux-usernetes");
  for (const command of [narrow, ...narrow.commands]) {
    command.configureOutput({ getOutHelpWidth: () => 60 });
    for (const line of command.helpInformation().split("\n")) t.ok(line.length <= 60, line);
  }
});

t.test("in a pipe they are 80 columns wide, and job ids are those of the locale", (t) => {
  const text = filled(TEXT, { width: Infinity, wide: false });
  t.match(text, "\nSome words that are longer than what is to be seen.\n");
  t.match(text, "--watch   f2QT1HSJy5\n");
  t.end();
});

t.test("a word that is longer than the terminal has a line of its own", (t) => {
  t.equal(filled("a looooooong b", { width: 4, wide: true }), "a\nlooooooong\nb\n");
  t.end();
});
