/** The package that npm publishes works in a directory without any other package. */
import { execa } from "execa";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { packagePath } from "../../../lib/host/package.js";

const folder = mkdtempSync(join(tmpdir(), "usernetes-package-"));
t.teardown(() => {
  rmSync(folder, { recursive: true, force: true });
});

t.before(async () => {
  // The build has run, and other tests read its files: do not build again.
  const argv = ["pack", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await execa("npm", argv, { cwd: packagePath(), env: { NODE_OPTIONS: "" } });
  const archive = stdout.trim().split("\n").at(-1) ?? "";
  await execa("tar", ["-xzf", join(folder, archive), "-C", folder]);
});

const run = (...argv: string[]) =>
  execa(join(folder, "package/bin/flux-usernetes"), argv, {
    reject: false,
    env: { PATH: `${join(process.execPath, "..")}:/usr/bin:/bin` },
    extendEnv: false,
  });

t.test("the command starts with no other package beside it", async (t) => {
  const { version } = JSON.parse(readFileSync(packagePath("package.json"), "utf8")) as {
    version: string;
  };
  t.equal((await run("--version")).stdout, version);
  const config = join(folder, "usernetes.toml");
  await execa("sh", ["-c", `echo '[usernetes]\ntemplate = "/t"\nports = "many"' >"$0"`, config]);
  const refused = await run("daemon", "--config", config);
  t.match(refused, { exitCode: 3, stderr: /usernetes\.ports: found "many", allowed: / });
  const installed = await run("install", "--dry-run", "--prefix", join(folder, "usr"));
  t.match(installed, { exitCode: 0, stdout: /bin\/usernetes/ }, "what it puts in place is there");
});

t.test("the bundle imports only Node.js' own modules", (t) => {
  const bundle = join(folder, "package/dist/bundle");
  const files = readdirSync(bundle).filter((name) => name.endsWith(".js"));
  const texts = files.map((name) => readFileSync(join(bundle, name), "utf8"));
  const asked = texts
    .flatMap((text) => [
      ...text.matchAll(/^(?:import |\} from |.*\bimport\().*"([^"]+)"\)?[;,]?$/gm),
    ])
    .map(([, name = ""]) => name);
  t.ok(asked.length > 20);
  t.strictSame(
    asked.filter((name) => !isBuiltin(name) && !files.includes(name.replace(/^\.\//, ""))),
    [],
  );
  t.end();
});

t.test("third-party code is listed and may be redistributed", (t) => {
  const text = readFileSync(join(folder, "package/dist/bundle/THIRD-PARTY.txt"), "utf8");
  const [list = ""] = text.split(/^=+$/m);
  const named = [...list.matchAll(/^ {2}(\S+) \S+ \((.*)\)$/gm)];
  const names = named.map(([, name]) => name);
  for (const name of ["ajv", "commander", "execa", "pino", "prom-client", "smol-toml"])
    t.ok(names.includes(name), name);
  const others = named.filter(
    ([, , license]) => !/^(MIT|ISC|BSD-[23]-Clause|Apache-2.0)/.test(license ?? ""),
  );
  t.strictSame(others, []);
  t.end();
});
