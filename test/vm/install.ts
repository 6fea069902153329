/**
 * Sets up a site as docs/admin describes. It reads the commands from the documents, and runs each
 * command as the user that the document names.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { PACKAGE } from "../sandbox/paths.js";
import { admin } from "./documents.js";
import { good, type Site } from "./site.js";

const CONF = "/etc/flux/system/conf.d";
const IMP_CONF = "/etc/flux/imp/conf.d";
const CERTIFICATE = "/etc/flux/system/curve.cert";

/** Starts a system instance on all machines as flux.service, before the package is installed. */
export async function startFlux(t: Test, site: Site): Promise<void> {
  const conf = `[bootstrap]
curve_cert = "${CERTIFICATE}"
default_port = 8050
default_bind = "tcp://eth1:%p"
default_connect = "tcp://%h:%p"
hosts = [{ host = "${site.names}" }]

[resource]
noverify = true
[[resource.config]]
hosts = "${site.names}"
cores = "0-1"
`;
  const imp = await setUpImp(t, site);
  const multiUser =
    imp === "" ? "" : `\n[access]\nallow-guest-user = true\n\n[exec]\nimp = "${imp}"\n`;
  const owned = `chown flux ${CERTIFICATE} && chmod 0400 ${CERTIFICATE}`;
  await site.everywhere(
    t,
    "Flux is configured",
    `mkdir -p ${CONF} && cat >${CONF}/system.toml`,
    conf + multiUser,
  );
  await good(t, "flux keygen", site.root(`flux keygen ${CERTIFICATE}`));
  const certificate = await good(t, "the key", site.root(`cat ${CERTIFICATE}`));
  await site.everywhere(t, "the key is copied", `cat >${CERTIFICATE} && ${owned}`, certificate);
  await site.everywhere(t, "flux.service starts", "systemctl enable --now flux");
  const wait = `flux resource list -s free -no {nnodes}`;
  await good(
    t,
    "all brokers are online",
    site.owner(
      `for i in $(seq 100); do [ "$(${wait})" = ${site.hosts.length} ] && exit; sleep 1; done; exit 1`,
    ),
  );
}

/**
 * Lets all users run jobs if the machines' Flux was built with flux-security. Returns the path of
 * its IMP, or an empty string without flux-security. All machines have the image's munge key.
 */
async function setUpImp(t: Test, site: Site): Promise<string> {
  const prefix = "$(dirname $(dirname $(readlink -f $(command -v flux))))";
  const { stdout } = await site.root(`ls ${prefix}/libexec/flux/flux-imp 2>/dev/null`);
  const imp = stdout.trim();
  if (imp === "") return imp;
  const conf = `[exec]
allowed-users = ["flux"]
allowed-shells = ["${imp.replace(/imp$/, "shell")}"]
`;
  const put = `chmod 4755 ${imp} && mkdir -p ${IMP_CONF} && cat >${IMP_CONF}/imp.toml`;
  await site.everywhere(t, "the IMP is configured", `${put} && systemctl start munge`, conf);
  return imp;
}

/** Packs the project and copies the package to rank 0's node. Returns the package's file name. */
async function copyPackage(t: Test, site: Site): Promise<string> {
  const folder = mkdtempSync("/tmp/usernetes-pack-");
  const argv = ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder];
  const { status, stdout } = spawnSync("npm", argv, { cwd: PACKAGE, encoding: "utf8" });
  t.equal(status, 0, "npm pack");
  const tarball = stdout.trim();
  const content = readFileSync(join(folder, tarball)).toString("base64");
  rmSync(folder, { recursive: true });
  await good(t, "it is copied", site.root(`base64 -d >/root/${tarball}`, content));
  return tarball;
}

/** Follows sections 1 to 5 of docs/admin/install.md, and the section about the systemd unit. */
export async function install(t: Test, site: Site, keys: Record<string, string>): Promise<void> {
  const [pack, put = ""] = admin("install", "1. The package, on rank 0");
  t.equal(pack, "npm ci && npm pack", "it is packed where it was built");
  t.match(put, await copyPackage(t, site), "the document names the file that is made");
  await good(t, put, site.root(`cd /root && ${put}`));

  const [dry = ""] = admin("install", "2. Install the files on rank 0");
  t.match(await good(t, dry, site.root(dry)), /^dry run: nothing was changed$/m);
  const wet = dry.replace(" --dry-run", "");
  await good(t, wet, site.root(wet));
  await installElsewhere(t, site);
  await site.write(t, keys);

  const [check = "", reload = ""] = admin("install", "4. The configuration");
  // With a good configuration, the daemon runs until Ctrl-C.
  const tried = await site.owner(`timeout --foreground -s INT 120 sh -c '${check} 2>&1' |
    { while read -r line; do echo "$line"; case $line in *ready:*) pkill -INT -u flux -x node; esac; done; }`);
  t.match(tried.stdout, /ready: /, check);
  await good(t, reload, site.owner(reload));
  for (const command of admin("operate", "The systemd unit"))
    await good(t, command, site.root(command));
  await ping(t, site);
}

/** Follows section 3: makes the tree on rank 0 and copies it to the other nodes. */
async function installElsewhere(t: Test, site: Site): Promise<void> {
  const commands = admin("install", "3. Install the same files on every other node");
  const [build = "", pack = "", unpack = ""] = commands;
  await good(t, build, site.root(`cd /root && rm -rf tree && ${build}`));
  await good(t, pack, site.root(`cd /root && ${pack}`));
  const tree = await good(t, "it is read", site.root("base64 /root/usernetes.tar"));
  const table = await good(t, "so is the table", site.root(`cat ${CONF}/usernetes.toml`));
  for (const host of site.hosts.slice(1)) {
    const put = `base64 -d >/root/usernetes.tar && cd /root && ${unpack}`;
    await good(t, `${host.name}: ${unpack}`, host.root(put, tree));
    await good(t, "the table", host.root(`cat >${CONF}/usernetes.toml`, table));
  }
}

export async function ping(t: Test, site: Site): Promise<void> {
  const [command = ""] = admin("install", "5. The daemon").filter((line) => line.includes("ping"));
  t.match(await good(t, command, site.owner(command)), /^the daemon answers/);
}
