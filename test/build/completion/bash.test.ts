/** The words that the completion scripts make bash offer for an unfinished command line. */
import { run } from "../../../lib/host/runner.js";
import { execa } from "execa";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { loadProgram } from "../../../lib/cli/commands.js";
import { usernetesCommand } from "../../../lib/help/usernetes.js";
import { STEPS } from "../../../lib/cluster/steps.js";
import { bashCompletion } from "../../../build/completion/bash.js";
import { grammarOf } from "../../../build/completion/grammar.js";
import { kindOf } from "../../../build/completion/kinds.js";
import { packagePath } from "../../../lib/host/package.js";
import { missing } from "../manual/rendered.js";

const program = await loadProgram(run);
const usernetes = usernetesCommand();

const JOBS = `case "$*" in
  "kvs ls -1 usernetes.cluster") test -z "$FLUX_KVS_NAMESPACE" && printf '0\\n123\\n456\\n' ;;
  "job id --to="*) sed "s/^/\${3#--to=}-/" ;;
  *) exit 1 ;;
esac`;

/** A directory with a stand-in for flux, which is on the PATH, and both completion scripts. */
class Shell {
  readonly top = mkdtempSync(join(tmpdir(), "usernetes-completion-"));

  constructor(flux = JOBS) {
    mkdirSync(join(this.top, "bin"));
    writeFileSync(join(this.top, "bin/flux"), `#!/bin/sh\n${flux}\n`, { mode: 0o755 });
    for (const each of [program, usernetes])
      writeFileSync(join(this.top, each.name()), bashCompletion(grammarOf(each)));
  }

  /** The words that bash offers at the Tab key. `before` has the lines that were run earlier. */
  async offered(words: string[], before = ""): Promise<string[]> {
    const script = `compopt() { echo "compopt $*"; }
${before}
source "$TOP/flux-usernetes"; source "$TOP/usernetes"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
read -ra how <<<"$(complete -p "$1")"
"\${how[2]}" "$1" "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const env = { TOP: this.top, PATH: `${this.top}/bin:/usr/bin:/bin`, LC_ALL: "C.UTF-8" };
    const options = { env, extendEnv: false, reject: false } as const;
    const argv = ["--norc", "-c", script, "bash", ...words];
    const { stdout, stderr } = await execa("bash", argv, options);
    if (stderr) throw new Error(stderr);
    return stdout.split("\n").filter((line) => line !== "");
  }

  remove(): void {
    rmSync(this.top, { recursive: true, force: true });
  }
}

function newShell(t: { teardown(act: () => void): unknown }, flux?: string): Shell {
  const shell = new Shell(flux);
  t.teardown(() => {
    shell.remove();
  });
  return shell;
}

t.test("every command is offered, with each of its options", async (t) => {
  const shell = newShell(t);
  const names = program.commands.map((command) => command.name());
  t.strictSame(await shell.offered(["flux-usernetes", ""]), [...names, "help"]);
  t.strictSame(await shell.offered(["flux-usernetes", "un"]), ["uninstall"]);
  t.strictSame(await shell.offered(["flux-usernetes", "-"]), ["-V", "--version", "-h", "--help"]);
  for (const command of program.commands) {
    const options = command.options.flatMap(({ short, long }) => [short, long]);
    const all = [...options, "-h", "--help"].filter((it) => it !== undefined);
    t.strictSame(await shell.offered(["flux-usernetes", command.name(), "-"]), all);
  }
});

t.test("every verb of usernetes is offered, with each option that its help names", async (t) => {
  const shell = newShell(t);
  t.strictSame(await shell.offered(["usernetes", "--debug", ""]), [
    ...usernetes.commands.map((verb) => verb.name()),
    "help",
  ]);
  const asked = ["start-control-plane", "start-worker", "wait-workers", "down", "clean"];
  for (const verb of asked) {
    const { stdout } = await execa(packagePath("bin/usernetes"), [verb, "--help"]);
    const [, listed = ""] = stdout.split("\nOptions:\n");
    const options = [...listed.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option);
    t.ok(options.length > 0, verb);
    t.strictSame(await shell.offered(["usernetes", verb, "-"]), [...options, "-h", "--help"]);
  }
  t.strictSame(await shell.offered(["usernetes", "attr", "k"]), ["kubeconfig"]);
  const workdir = ["usernetes", "down", "--workdir", ""];
  t.strictSame(await shell.offered(workdir), ["compopt -o dirnames"]);
});

t.test("values of an option are offered in every form of the option", async (t) => {
  const shell = newShell(t);
  const engines = ["docker", "podman", "nerdctl"];
  const list = ["flux-usernetes", "list"];
  t.strictSame(await shell.offered(["flux-usernetes", "up", "--engine", ""]), engines);
  t.strictSame(await shell.offered(["flux-usernetes", "up", "--engine", "="]), engines);
  t.strictSame(await shell.offered([...list, "--filter", "=", "pend"]), ["pending"]);
  t.strictSame(await shell.offered([...list, "-f", "canc"]), ["canceled"]);
  // COMP_WORDBREAKS may lack the character =.
  t.strictSame(await shell.offered([...list, "--filter=pend"]), ["--filter=pending"]);
  // The value may be a list with commas.
  t.strictSame(await shell.offered([...list, "-f", "failed,c"]), [
    ...["failed,cleanup", "failed,completed", "failed,canceled"],
  ]);
  t.strictSame(await shell.offered([...list, "--filter", "=", "run,failed,pen"]), [
    "run,failed,pending",
  ]);
  t.strictSame(await shell.offered([...list, "--filter=run,pen"]), ["--filter=run,pending"]);
  t.strictSame(await shell.offered([...list, "-f", "failed,x"]), []);
  t.strictSame(await shell.offered([...list, "-u", "roo"]), ["root"]);
  const daemon = ["flux-usernetes", "daemon"];
  t.strictSame(await shell.offered([...daemon, "--config", ""]), ["compopt -o default"]);
  t.strictSame(await shell.offered([...daemon, "--pass-env", "LC_A"]), ["LC_ALL"]);
  t.strictSame(await shell.offered(["flux-usernetes", "doctor", "--rank", ""]), [], "a set");
  t.strictSame(await shell.offered([...list, "--count", ""]), [], "a number");
  t.strictSame(await shell.offered(["flux-usernetes", "up", "--engine", "docker", ""]), []);
  t.strictSame(await shell.offered(["flux-usernetes", "help", "doc"]), ["doctor"]);
});

t.test("the kind of an option's value follows from its name", (t) => {
  t.strictSame(kindOf("name", "--step"), STEPS);
  t.equal(kindOf("DIR"), "directory");
  t.equal(kindOf("job"), "job");
  t.equal(kindOf("something"), "none");
  t.strictSame(kindOf("x", "--x", ["a", "b"]), ["a", "b"], "commander's choices");
  t.end();
});

t.test("all jobs that have a cluster are offered", async (t) => {
  const shell = newShell(t);
  const both = ["f58-123", "f58-456"];
  t.strictSame(await shell.offered(["flux-usernetes", "status", ""]), [...both, "instance"]);
  t.strictSame(await shell.offered(["flux-usernetes", "status", "x", ""]), []);
  const wait = ["flux-usernetes", "wait", "--timeout"];
  t.strictSame(await shell.offered([...wait, "9m", ""]), [...both, "instance"]);
  t.strictSame(await shell.offered([...wait, "=", "9m", ""]), [...both, "instance"]);
  const inTask = "export FLUX_KVS_NAMESPACE=job-1";
  t.strictSame(await shell.offered(["flux-usernetes", "release", ""], inTask), both);
  t.strictSame(await shell.offered(["flux-usernetes", "release", ""]), both);
  t.strictSame(await shell.offered(["flux-usernetes", "clean", "--json", "x", "y", ""]), both);
  t.strictSame(
    await shell.offered(["flux-usernetes", "release", "f"]),
    ["f58plain-123", "f58plain-456"],
    "f is easier typed than ƒ",
  );
  t.strictSame(await shell.offered(["usernetes", "attr", "--jobid", ""]), both);
});

t.test("guests are offered their active jobs", async (t) => {
  const shell = newShell(
    t,
    `case "$*" in
  "kvs ls"*) echo "flux-kvs: Operation not permitted" >&2; exit 1 ;;
  "job list") printf '{"id": 77, "userid": 1}\\n{"id": 78, "x": {"id": 9}}\\n' ;;
  "job id --to="*) cat ;;
esac`,
  );
  t.strictSame(await shell.offered(["flux-usernetes", "wait", "7"]), ["77", "78"]);
});

t.test("nothing is offered or printed if no instance runs, or if it hangs", async (t) => {
  t.strictSame(await newShell(t, "exit 1").offered(["flux-usernetes", "release", ""]), []);
  const begin = Date.now();
  t.strictSame(await newShell(t, "sleep 60").offered(["flux-usernetes", "release", ""]), []);
  t.ok(Date.now() - begin < 20_000);
});

t.test("once completes any command and its files", async (t) => {
  const shell = newShell(t);
  const once = ["flux-usernetes", "once"];
  // The program may be in two directories of the PATH.
  t.strictSame([...new Set(await shell.offered([...once, "--", "mkfif"]))], ["mkfifo"]);
  t.strictSame(await shell.offered([...once, "--", "ls", ""]), ["compopt -o default"]);
  t.strictSame(await shell.offered([...once, "ls", "-l", ""]), ["compopt -o default"]);
});

t.test(
  "shellcheck finds no fault in the completion",
  { skip: await missing("shellcheck") },
  async (t) => {
    const shell = newShell(t);
    for (const name of ["flux-usernetes", "usernetes"]) {
      const { stdout } = await execa("shellcheck", [join(shell.top, name)], { reject: false });
      t.equal(stdout, "", name);
    }
  },
);
