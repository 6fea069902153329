/** `flux-usernetes install` and `uninstall` on a directory tree. */
import { execa } from "execa";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";

const LUA = "etc/flux/shell/lua.d/usernetes.lua";
const RC1 = "etc/flux/rc1.d/90-usernetes";
const CONFIGURATION = "etc/flux/system/conf.d/usernetes.toml";
const MANIFEST = "usr/libexec/usernetes/installed.json";

/** A temporary directory tree, into which the package is installed. */
class System {
  readonly top = mkdtempSync(join(tmpdir(), "usernetes-install-"));
  readonly roots = ["--flux-root", this.at("etc/flux"), "--prefix", this.at("usr")];

  at(path: string): string {
    return join(this.top, path);
  }
  read(path: string): string {
    return readFileSync(this.at(path), "utf8");
  }
  write(path: string, text: string): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text);
  }
  /** The contents of all files in the tree, by path. */
  contents(): Record<string, string> {
    const entries = readdirSync(this.top, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory());
    const paths = files.map((entry) => join(entry.parentPath, entry.name));
    return Object.fromEntries(
      paths
        .toSorted()
        .map((path) => [
          path.slice(this.top.length + 1),
          lstatSync(path).isFile() ? readFileSync(path, "utf8") : "a link",
        ]),
    );
  }
  async run(verb: string, ...more: string[]) {
    const argv = [verb, ...this.roots, ...more];
    const result = await execa(packagePath("bin/flux-usernetes"), argv, {
      reject: false,
      env: { PATH: process.env["PATH"] ?? "", NODE_OPTIONS: "" },
    });
    const { exitCode, stdout, stderr } = result;
    /** The output line about a path of the tree: `what path`. */
    const reported = (path: string) =>
      stdout.split("\n").find((line) => line.split(" ").includes(this.at(path))) ?? "";
    return { exitCode, stdout, stderr, reports: reported };
  }
  async install(...more: string[]) {
    const done = await this.run("install", ...more);
    if (done.exitCode !== 0) throw new Error(done.stderr);
    return done;
  }
  remove(): void {
    rmSync(this.top, { recursive: true, force: true });
  }
}

function newSystem(t: { teardown(act: () => void): unknown }): System {
  const system = new System();
  t.teardown(() => {
    system.remove();
  });
  return system;
}

t.test("each file of the package is installed in its place, with its mode", async (t) => {
  const system = newSystem(t);
  const { stdout, stderr, reports: received } = await system.install();
  t.equal(stderr, "");
  t.equal(received(LUA), `new      ${system.at(LUA)}`);
  for (const [path, source, mode] of [
    [LUA, LUA, 0o644],
    [RC1, RC1, 0o755],
    ["etc/flux/cli/plugins/usernetes.py", "etc/flux/cli/plugins/usernetes.py", 0o644],
    [CONFIGURATION, CONFIGURATION, 0o644],
    ["usr/bin/usernetes", "bin/usernetes", 0o755],
    ["usr/bin/flux-usernetes", "bin/flux-usernetes", 0o755],
    ["usr/libexec/usernetes/steps/stage.sh", "lib/node/steps/stage.sh", 0o644],
    ["usr/libexec/usernetes/by_hand.py", "lib/node/by_hand.py", 0o644],
    [
      "usr/lib/systemd/system/flux-usernetes.service",
      "etc/systemd/system/flux-usernetes.service",
      0o644,
    ],
  ] as const) {
    t.equal(system.read(path), readFileSync(packagePath(source), "utf8"), path);
    t.equal(statSync(system.at(path)).mode & 0o777, mode, path);
  }
  t.match(stdout, /flux config reload/);
  t.match(stdout, /flux usernetes doctor/);
});

t.test("users can read the installed files, whatever root's umask is", async (t) => {
  const system = newSystem(t);
  const sh = 'umask 077 && exec "$@"';
  const argv = [packagePath("bin/flux-usernetes"), "install", ...system.roots];
  await execa("sh", ["-c", sh, "sh", ...argv], { env: { NODE_OPTIONS: "" } });
  t.equal(statSync(system.at(LUA)).mode & 0o777, 0o644);
  t.equal(statSync(system.at("etc/flux/shell/lua.d")).mode & 0o777, 0o755);
  t.equal(statSync(system.at("usr/bin")).mode & 0o777, 0o755);
});

t.test("the installed flux-usernetes finds the package, or reports a missing one", async (t) => {
  const system = newSystem(t);
  await system.install();
  const copy = system.at("usr/bin/flux-usernetes");
  const options = { reject: false, env: { NODE_OPTIONS: "" } } as const;
  t.match(await execa(copy, ["--version"], options), { stdout: /^[0-9]+\.[0-9]+\.[0-9]+/ });
  unlinkSync(system.at("usr/libexec/usernetes/package"));
  t.match(await execa(copy, ["--version"], options), {
    exitCode: 1,
    stderr: /^flux-usernetes: this node has only the job-side files; [^\n]*$/,
  });
});

t.test("--dry-run prints the same and changes nothing", async (t) => {
  const system = newSystem(t);
  const before = system.contents();
  const dry = await system.run("install", "--dry-run");
  t.equal(dry.exitCode, 0);
  t.equal(dry.reports(RC1), `new      ${system.at(RC1)}`);
  t.match(dry.stdout, /\ndry run: nothing was changed$/);
  t.strictSame(system.contents(), before);
  t.strictSame(readdirSync(system.top), []);
  await system.install();
  system.write(LUA, "mine");
  const installed = system.contents();
  t.match((await system.run("install", "--dry-run")).reports(LUA), /^kept /);
  t.match((await system.run("uninstall", "--dry-run")).reports(RC1), /^removed /);
  t.strictSame(system.contents(), installed);
});

t.test("a repeated install reports all files as unchanged", async (t) => {
  const system = newSystem(t);
  await system.install();
  const before = system.contents();
  const { stdout, reports } = await system.install();
  t.match(reports(LUA), /^same /);
  t.notMatch(stdout, /^(new|update|removed)/m);
  t.match(reports(CONFIGURATION), /^same /);
  t.strictSame(system.contents(), before);
});

t.test("a file of an earlier version is updated and keeps its mode", async (t) => {
  const system = newSystem(t);
  await system.install();
  // The file has another text, as if an earlier version had installed it.
  const { old, sum } = { old: "#!/bin/sh\n", sum: await sha256("#!/bin/sh\n") };
  system.write(RC1, old);
  chmodSync(system.at(RC1), 0o644);
  const manifest = JSON.parse(system.read(MANIFEST)) as { files: Record<string, string[]> };
  manifest.files[system.at(RC1)] = [sum];
  system.write(MANIFEST, JSON.stringify(manifest));
  t.match((await system.install()).reports(RC1), /^update /);
  t.equal(system.read(RC1), readFileSync(packagePath(RC1), "utf8"));
  t.equal(statSync(system.at(RC1)).mode & 0o777, 0o644, "somebody has switched it off");
});

const sha256 = async (text: string) =>
  (await execa("sha256sum", { input: text })).stdout.slice(0, 64);

t.test("a locally changed file is kept, and the new version is put beside it", async (t) => {
  const system = newSystem(t);
  system.write(RC1, "my own\n");
  const { reports } = await system.install();
  t.equal(
    reports(RC1),
    `kept     ${system.at(RC1)} (modified locally; the new version is ${system.at(RC1)}.new)`,
  );
  t.equal(system.read(RC1), "my own\n");
  t.equal(system.read(`${RC1}.new`), readFileSync(packagePath(RC1), "utf8"));
  t.equal(statSync(system.at(`${RC1}.new`)).mode & 0o111, 0, "Flux would run it");
  const again = await system.install();
  t.equal(again.reports(RC1), `kept     ${system.at(RC1)} (modified locally)`);
  renameSync(system.at(`${RC1}.new`), system.at(RC1));
  t.match((await system.install()).reports(RC1), /^same /);
});

t.test("a file that is changed after the install is kept", async (t) => {
  const system = newSystem(t);
  await system.install();
  system.write(LUA, "-- mine\n");
  t.equal((await system.install()).reports(LUA), `kept     ${system.at(LUA)} (modified locally)`);
  t.equal(system.read(LUA), "-- mine\n");
  t.notOk(existsSync(system.at(`${LUA}.new`)));
});

t.test("the configuration is created only if it does not exist", async (t) => {
  const system = newSystem(t);
  system.write(CONFIGURATION, "[usernetes]\n");
  t.equal(
    (await system.install()).reports(CONFIGURATION),
    `kept     ${system.at(CONFIGURATION)} (the site's own file)`,
  );
  t.equal(system.read(CONFIGURATION), "[usernetes]\n");
  t.notOk(existsSync(system.at(`${CONFIGURATION}.new`)));
});

t.test("uninstall removes exactly what was installed", async (t) => {
  const system = newSystem(t);
  system.write("etc/flux/rc1.d/01-site", "site");
  system.write("usr/bin/other", "other");
  mkdirSync(system.at("etc/flux/system/prolog.d"), { recursive: true });
  const before = system.contents();
  const directories = readdirSync(system.top, { recursive: true }).toSorted();
  await system.install();
  const { exitCode, reports } = await system.run("uninstall");
  t.equal(exitCode, 0);
  t.match(reports(LUA), /^removed /);
  t.strictSame(system.contents(), before);
  t.strictSame(readdirSync(system.top, { recursive: true }).toSorted(), directories);
});

t.test("uninstall keeps modified files, reports them, and can be repeated", async (t) => {
  const system = newSystem(t);
  await system.install();
  system.write(CONFIGURATION, "[usernetes]\ntemplate = '/opt/u'\n");
  unlinkSync(system.at(LUA));
  const { reports } = await system.run("uninstall");
  t.equal(reports(CONFIGURATION), `kept     ${system.at(CONFIGURATION)} (modified locally)`);
  t.match(reports(LUA), /^gone /);
  t.strictSame(Object.keys(system.contents()), [CONFIGURATION]);
  t.match(await system.run("uninstall"), {
    exitCode: 0,
    stdout: `nothing of flux-usernetes is installed under ${system.at("usr")}`,
  });
});

t.test("uninstall removes the new version beside a kept file, too", async (t) => {
  const system = newSystem(t);
  system.write(LUA, "-- mine\n");
  const before = system.contents();
  await system.install();
  await system.install();
  await system.run("uninstall");
  t.strictSame(system.contents(), before);
});

t.test("an install that was killed can be continued or undone", async (t) => {
  const system = newSystem(t);
  await system.install();
  // Only the manifest and one file exist, as if install had been killed.
  for (const path of Object.keys(system.contents()))
    if (path !== MANIFEST && path !== LUA) unlinkSync(system.at(path));
  system.write("etc/flux/rc1.d/.90-usernetes.usernetes", "half of i");
  const { reports } = await system.install();
  t.match(reports(LUA), /^same /);
  t.match(reports(RC1), /^new /);
  t.notOk(existsSync(system.at("etc/flux/rc1.d/.90-usernetes.usernetes")));
  await system.run("uninstall");
  t.strictSame(readdirSync(system.top), []);
});

t.test("files of an earlier version that no longer exist are removed", async (t) => {
  const system = newSystem(t);
  await system.install();
  const manifest = JSON.parse(system.read(MANIFEST)) as { files: Record<string, string[]> };
  for (const [name, text] of [
    ["old.sh", "old\n"],
    ["mine.sh", "other\n"],
  ] as const) {
    system.write(`usr/libexec/usernetes/${name}`, text);
    manifest.files[system.at(`usr/libexec/usernetes/${name}`)] = [await sha256("old\n")];
  }
  system.write(MANIFEST, JSON.stringify(manifest));
  const { reports } = await system.install();
  t.match(reports("usr/libexec/usernetes/old.sh"), /^removed /);
  t.match(reports("usr/libexec/usernetes/mine.sh"), /^kept /);
  t.notOk(existsSync(system.at("usr/libexec/usernetes/old.sh")));
});

t.test("a link that leads out of the root is not followed", async (t) => {
  const system = newSystem(t);
  mkdirSync(system.at("elsewhere"));
  mkdirSync(system.at("etc/flux/inside"), { recursive: true });
  symlinkSync(system.at("elsewhere"), system.at("etc/flux/rc1.d"));
  symlinkSync("inside", system.at("etc/flux/rc3.d"));
  const { exitCode, stderr, reports } = await system.run("install");
  t.equal(exitCode, 1);
  t.match(stderr, /^flux-usernetes: install: 1 of [0-9]+ files were not put in place, see above$/);
  t.equal(
    reports(RC1),
    `refused  ${system.at(RC1)} (a symbolic link in its path leads out of ${system.at("etc/flux")}, to ${system.at("elsewhere")})`,
  );
  t.strictSame(readdirSync(system.at("elsewhere")), []);
  t.strictSame(readdirSync(system.at("etc/flux/inside")), ["90-usernetes"], "one inside is");
});

t.test("a link in place of a file is kept, and its target is not touched", async (t) => {
  const system = newSystem(t);
  system.write("elsewhere", "not ours");
  mkdirSync(dirname(system.at(LUA)), { recursive: true });
  symlinkSync(system.at("elsewhere"), system.at(LUA));
  t.match((await system.install()).reports(LUA), /^kept .* \(it is a link to .*elsewhere; /);
  t.equal(system.read("elsewhere"), "not ours");
  await system.run("uninstall");
  t.ok(lstatSync(system.at(LUA)).isSymbolicLink());
});

t.test("npm's own link to a command remains", async (t) => {
  const system = newSystem(t);
  mkdirSync(system.at("usr/bin"), { recursive: true });
  symlinkSync(packagePath("bin/flux-usernetes"), system.at("usr/bin/flux-usernetes"));
  t.match((await system.install()).reports("usr/bin/flux-usernetes"), /^same /);
  await system.run("uninstall");
  t.ok(lstatSync(system.at("usr/bin/flux-usernetes")).isSymbolicLink());
});

t.test(
  "a directory in place of a file is refused, and the other files are installed",
  async (t) => {
    const system = newSystem(t);
    mkdirSync(system.at(LUA), { recursive: true });
    const { exitCode, reports } = await system.run("install");
    t.equal(exitCode, 1);
    t.match(reports(LUA), /^refused .* \(it exists and is not a file: move it away\)$/);
    t.ok(existsSync(system.at(RC1)));
  },
);

t.test("another flux root under the same prefix is refused", async (t) => {
  const system = newSystem(t);
  await system.install();
  const before = system.contents();
  for (const verb of ["install", "uninstall"])
    t.match(await system.run(verb, "--flux-root", "/elsewhere"), {
      exitCode: 2,
      stdout: "",
      stderr:
        /^flux-usernetes: --flux-root: found \/elsewhere, but what is installed under [^\n]*$/,
    });
  t.strictSame(system.contents(), before);
});
