/**
 * A machine on which the package is installed as docs/admin has it: the commands are read
 * out of the document, and run as whom it names.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import type { Result } from "../hosts/run-command.js";
import { PACKAGE } from "../sandbox/paths.js";
import { commandsOf } from "./document.js";
import type { Machine } from "./machine.js";

const ADMIN = readFileSync(join(PACKAGE, "docs/admin/install.md"), "utf8");
const OPERATE = readFileSync(join(PACKAGE, "docs/admin/operate.md"), "utf8");
const TABLE = "/etc/flux/system/conf.d/usernetes.toml";

export class Site {
  constructor(readonly machine: Machine) {}

  /** As root, outside of any session. */
  root(script: string, input?: string): Promise<Result> {
    return this.machine.run(`cd / && { ${script}\n}`, input);
  }

  /** As a user who has not logged in, with no environment of root's. */
  as(user: string, script: string): Promise<Result> {
    const quoted = `'${script.replaceAll("'", `'\\''`)}'`;
    return this.root(`sudo -H -u ${user} sh -c ${quoted} </dev/null`);
  }

  /** As the instance owner. */
  owner = (script: string): Promise<Result> => this.as("flux", script);

  /** Sets a key of the [usernetes] table, which the template's comments have. */
  async set(t: Test, key: string, value: string): Promise<void> {
    const edit = `sed -i '/^#*${key} = /d' ${TABLE} && printf '%s\\n' '${key} = ${value}' >>${TABLE}`;
    await good(t, "the table is edited", this.root(edit));
  }
}

/** Runs it, and fails the test with its output where it does not end with 0; the stdout. */
export async function good(t: Test, what: string, running: Promise<Result>): Promise<string> {
  const { stdout, stderr, exitCode } = await running;
  t.equal(exitCode, 0, exitCode === 0 ? what : `${what}: ${stderr}${stdout}`);
  return stdout;
}

/** A system instance of one node, with its own unit, before the package is installed. */
export async function startFlux(t: Test, site: Site): Promise<void> {
  const conf = `[resource]
noverify = true
[[resource.config]]
hosts = "${site.machine.name}"
cores = "0-1"
`;
  const folder = "/etc/flux/system/conf.d";
  await good(
    t,
    "Flux is configured",
    site.root(`mkdir -p ${folder} && cat >${folder}/system.toml`, conf),
  );
  await good(t, "flux.service starts", site.root("systemctl enable --now flux"));
}

/** Sections 1 to 5 of "From nothing to a first cluster", and the unit's. */
export async function install(t: Test, site: Site, engine: string): Promise<void> {
  const [pack, put] = commandsOf(ADMIN, "1. The package, on rank 0");
  t.equal(pack, "npm ci && npm pack", "it is packed where it was built");
  const folder = mkdtempSync("/tmp/usernetes-pack-");
  const { status, stdout } = spawnSync(
    "npm",
    ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder],
    { cwd: PACKAGE, encoding: "utf8" },
  );
  t.equal(status, 0, "it is packed");
  const tarball = stdout.trim();
  t.match(put, tarball, "the document names the file that is made");
  const content = readFileSync(join(folder, tarball)).toString("base64");
  await good(t, "it is copied", site.root(`base64 -d >/root/${tarball}`, content));
  await good(t, put ?? "", site.root(`cd /root && ${put ?? ""}`));

  const [dry = ""] = commandsOf(ADMIN, "2. Install the files on rank 0");
  t.match(await good(t, dry, site.root(dry)), /^nothing was done/m);
  const wet = dry.replace(" --dry-run", "");
  await good(t, wet, site.root(wet));
  await site.set(t, "container-engine", `"${engine}"`);

  const [check = "", reload = ""] = commandsOf(ADMIN, "4. The configuration");
  // It runs until Ctrl-C, when it is good.
  const tried = await site.owner(`timeout --foreground -s INT 120 sh -c '${check} 2>&1' |
    { while read -r line; do echo "$line"; case $line in *ready:*) pkill -INT -u flux -x node; esac; done; }`);
  t.match(tried.stdout, /ready: /, check);
  await good(t, reload, site.owner(reload));
  for (const command of commandsOf(OPERATE, "The systemd unit"))
    await good(t, command, site.root(command));
  const [ping = ""] = commandsOf(ADMIN, "5. The daemon").filter((line) => line.includes("ping"));
  t.match(await good(t, ping, site.owner(ping)), /^the daemon answers/);
}
