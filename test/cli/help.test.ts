/** The output of --help: what all commands in lib/help have in common, and the copies in bin. */
import { run } from "../../lib/host/runner.js";
import { execa } from "execa";
import { dirname } from "node:path";
import t from "tap";
import { loadProgram } from "../../lib/cli/commands.js";
import { EXIT } from "../../lib/errors.js";
import { HelpedCommand } from "../../lib/help/command-help.js";
import { SH_COMMANDS } from "../../lib/help/sh-commands.js";
import { usernetesCommand } from "../../lib/help/usernetes.js";
import { packagePath } from "../../lib/host/package.js";
import { prepare } from "../../lib/cli/program.js";

const programs = [await loadProgram(run), usernetesCommand()];
const commands = programs.flatMap((program) => [program, ...program.subcommands()]);

function printed(command: HelpedCommand, columns = 80): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => columns });
  command.outputHelp();
  return text;
}

t.test("every command has a summary and exit codes, and ends with an example", (t) => {
  t.ok(commands.length > 20);
  for (const command of commands) {
    const name = command.name();
    t.match(command.description(), /\w/, `${name}: a summary`);
    t.match(printed(command), /\nExamples?:\n( {2}.*\n)+$/, `${name}: an example at the end`);
    t.match(command.examples().join("\n"), /usernetes/, `${name}: the example`);
    for (const line of command.examples())
      t.ok(line.length <= 68, `${name}: "${line}" fits on a page of 80 columns`);
    if (name !== "flux-usernetes") t.match(command.exitCodes(), /^Exit codes: /, name);
    for (const status of Object.keys(command.helpData.exits ?? {}))
      t.ok(
        (Object.values(EXIT) as number[]).includes(Number(status)) || /^127|\+n|else/.test(status),
        `${name}: ${status}`,
      );
  }
  t.end();
});

t.test("every option and every argument is described", (t) => {
  for (const command of commands) {
    for (const { flags, description } of command.options)
      t.match(description, /\w/, `${command.name()} ${flags}`);
    for (const argument of command.registeredArguments)
      t.match(argument.description, /\w/, `${command.name()} ${argument.name()}`);
  }
  t.end();
});

const example = () =>
  new HelpedCommand({
    name: "example",
    summary: "do something",
    operands: { "<job>": "job ID", "[name...]": { text: "which", choices: ["a", "b"] } },
    options: {
      "-f, --file <file>": "read this file",
      "--user <name...>": "for these users",
      "--limit <n>": { text: "at most N", default: "7" },
    },
    details: [
      `Some text that is longer than what
       is to be seen.`,
      "A second paragraph.",
    ],
    exits: { 0: "done", 1: "failed" },
    examples: ["example --file   ƒ2QT1HSJy5", "second \\\n  line"],
  });

t.test("the text after the options is as wide as the terminal; examples are not wrapped", (t) => {
  t.match(
    printed(example(), 24),
    `
Some text that is longer
than what is to be seen.

A second paragraph.

Exit codes: 0 done, 1
failed.

Examples:
  example --file   ƒ2QT1HSJy5
  second \\
    line
`,
  );
  t.end();
});

t.test("the help data has the operands and options that the commands take", async (t) => {
  const command = example();
  const parsed = new Promise((resolve) => {
    command.action((...values: unknown[]) => {
      resolve(values.slice(0, 3));
    });
  });
  await command.parseAsync(["-f", "x", "1", "a"], { from: "user" });
  t.strictSame(await parsed, ["1", ["a"], { file: "x", user: [], limit: "7" }]);
  t.end();
});

t.test("no line of a help is wider than the terminal, even a narrow one", (t) => {
  for (const columns of [60, 80])
    for (const command of commands)
      for (const line of printed(command, columns).split("\nExample")[0]?.split("\n") ?? [])
        t.ok(line.length <= (line.startsWith("Usage:") ? 80 : columns), line);
  t.end();
});

t.test("job IDs are printed in the form of the locale", async (t) => {
  for (const [locale, id] of [
    ["C.UTF-8", "ƒ2QT1HSJy5"],
    ["POSIX", "f2QT1HSJy5"],
  ] as const) {
    const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, LC_ALL: locale };
    const options = { env, extendEnv: false };
    const { stdout } = await execa(packagePath("bin/flux-usernetes"), ["wait", "--help"], options);
    t.match(stdout, `--timeout 10m ${id} &&\n`);
  }
});

t.test("commands without Node.js print the same help as with it", async (t) => {
  const env = { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8" };
  const calls = programs.flatMap((program) =>
    program.subcommands().flatMap((command): [string, string[], HelpedCommand][] => {
      const name = command.name();
      if (SH_COMMANDS.includes(name)) return [["flux-usernetes", [name, "-h"], command]];
      if (program.name() === "flux-usernetes") return [];
      return [
        ["usernetes", [name, "--help"], command],
        ["usernetes", ["help", name], command],
      ];
    }),
  );
  t.ok(calls.length >= 18);
  for (const [file, words, command] of calls) {
    const { stdout } = await execa(packagePath("bin", file), words, { env, extendEnv: false });
    t.equal(`${stdout}\n`, printed(command), words.join(" "));
  }
});

t.test("lib/node/by_hand_options.py takes the options that the help lists", async (t) => {
  const script = `import json, sys; sys.path.insert(0, sys.argv[1]); import by_hand_options
print(json.dumps({verb: sorted(names) for verb, names in by_hand_options.OPTIONS.items()}))`;
  const { stdout } = await execa("python3", ["-B", "-c", script, packagePath("lib/node")]);
  const listed = (programs[1]?.commands ?? [])
    .filter((verb) => !["attr", "env", "version"].includes(verb.name()))
    .map((verb) => [verb.name(), verb.options.map(({ long }) => long).sort()]);
  t.strictSame(JSON.parse(stdout), Object.fromEntries(listed));
});

t.test("prepare gives every command the settings that commander passes on", (t) => {
  const program = new HelpedCommand({ name: "p", summary: "p", examples: ["p"] });
  program.addCommand(example());
  prepare(program, "p");
  let errors = "";
  const [command] = program.commands;
  command?.configureOutput({ writeErr: (text) => (errors += text) });
  t.throws(() => command?.parse(["--none"], { from: "user" }));
  t.equal(errors, "p: unknown option '--none' (see p --help)\n");
  t.end();
});
