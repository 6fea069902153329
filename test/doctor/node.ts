/** A node of the doctor's tests: the checks run with a PATH and a root directory of the test. */
import { execa } from "execa";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { script } from "../../lib/doctor/examine.js";
import { writeTemplate } from "../fakes/template.js";

const TOOLS =
  "sh bash cat id cut tr hostname sed grep head tail mktemp chmod rm ls date setpriv setsid timeout awk find stat getent sort uname sha256sum readlink test dirname";

/** A node that passes every check. Tests remove parts of it. */
export class Node {
  readonly directory = mkdtempSync(join(tmpdir(), "usernetes-doctor-"));
  env: Record<string, string>;

  constructor() {
    for (const name of ["bin", "top", "work", "template"]) mkdirSync(this.at(name));
    for (const tool of TOOLS.split(" ")) symlinkSync(`/usr/bin/${tool}`, this.at(`bin/${tool}`));
    for (const name of ["make", "jq", "kubectl", "usernetes", "newuidmap", "newgidmap", "loginctl"])
      this.program(name, "exit 0");
    this.program(
      "flux",
      `case "$*" in "config builtin shell_initrc") echo ${this.at("flux/shell/initrc.lua")} ;; *) exit 1 ;; esac`,
    );
    this.program(
      "ip",
      `case "$*" in
  "-4 route get 1") echo "1.0.0.0 via 10.1.2.1 dev eth0 src 10.1.2.3 uid 0" ;;
  *" route show") printf '%s\\n' "default via 10.1.2.1 dev eth0" "10.1.2.0/24 dev eth0 proto kernel scope link src 10.1.2.3" ;;
  *) echo "2: eth0    inet 10.1.2.3/24 brd 10.1.2.255 scope global eth0" ;;
esac`,
    );
    // The tests may run as root, for whom no engine is rootless.
    this.program("id", "case $1 in -u) echo 1001 ;; *) echo alice ;; esac");
    this.engine("docker", "29.0.1", "2.30.0");
    this.write("flux/shell/lua.d/usernetes.lua", "");
    const slice = "sys/fs/cgroup/user.slice/user-1001.slice/user@1001.service";
    this.write(`top/${slice}/cgroup.controllers`, "cpuset cpu io memory pids\n");
    this.write("top/sys/fs/cgroup/cgroup.controllers", "cpu\n");
    this.write("top/var/lib/systemd/linger/alice", "");
    for (const kind of ["subuid", "subgid"]) this.write(`top/etc/${kind}`, "alice:100000:65536\n");
    this.write("top/proc/modules", "br_netfilter 1 0\nvxlan 2 0\nip_tables 1 0\n");
    this.write("top/proc/sys/net/ipv4/conf/default/rp_filter", "2\n");
    writeTemplate(this.at("template"), "plain");
    mkdirSync(this.at("run"));
    this.env = {
      PATH: this.at("bin"),
      HOME: this.directory,
      XDG_RUNTIME_DIR: this.at("run"),
      USERNETES_TOP: this.at("top"),
      USERNETES_ENGINES: "docker",
      USERNETES_WARM: "usernetes_warm",
      USERNETES_COMPOSE_docker: "docker compose",
      USERNETES_COMPOSE_podman: "podman-compose",
      USERNETES_TEMPLATE: this.at("template"),
      USERNETES_WORKDIR: this.at("work"),
      USERNETES_PORT_FIRST: "20000",
      USERNETES_PORT_LAST: "29999",
      PORT_FLANNEL: "20002",
    };
  }

  at(path: string): string {
    return join(this.directory, path);
  }
  write(path: string, text: string): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text);
  }
  remove(path: string): void {
    rmSync(this.at(path), { recursive: true, force: true });
  }
  program(name: string, text: string): void {
    this.remove(`bin/${name}`);
    writeFileSync(this.at(`bin/${name}`), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  engine(name: string, version: string, compose: string, security = "[name=rootless]"): void {
    this.program(
      name,
      `case "$1 $2" in
  "info --format") case $3 in *Rootless}}) echo true ;; *GraphRoot}} | *DockerRootDir}}) echo "\${FAKE_STORAGE:-}" ;; *NetworkCmd*) echo "\${FAKE_NETWORK:-slirp4netns}" ;; *) echo '${security}' ;; esac ;;
  "info ") echo "${name} info" ;;
  "image ls") echo "\${FAKE_IMAGE:-other:1}" ;;
  "compose version") echo "${name} Compose version v${compose}" ;;
  "--version ") echo "${name} version ${version}, build 1" ;;
esac`,
    );
  }

  /** The reports, in the order of the output: `ok TEXT` or `no TEXT`, by ID of the check. */
  async reports(
    env: Record<string, string> = {},
    { wrap = [], before = "", after = "", scripts }: Ran = {},
  ): Promise<Record<string, string>> {
    const text = before + script(scripts) + after;
    const argv = [...wrap, "sh", "-c", text, "usernetes-step", "n0nce", "checks"];
    const { stderr, stdout } = await execa("/usr/bin/env", argv, {
      env: { ...this.env, ...env },
      extendEnv: false,
    });
    if (stderr !== "") throw new Error(`it printed ${stderr}`);
    return Object.fromEntries(
      stdout.split("\n").map((line) => {
        const [id = "", verdict = "", ...words] = line.split(" ");
        return [id, [verdict, ...words].join(" ").trim()];
      }),
    );
  }
}

/** How the checks run, if not as usual. */
interface Ran {
  /** The command that runs sh. */
  wrap?: string[];
  /** Further lines at the beginning and at the end of the script. */
  before?: string;
  after?: string;
  /** The files of the script. */
  scripts?: string[];
}

export function newNode(t: { teardown(act: () => void): unknown }): Node {
  const node = new Node();
  t.teardown(() => {
    rmSync(node.directory, { recursive: true, force: true });
  });
  return node;
}

/** The paths of the script's files in doctor/on-node. */
export const files = (...names: string[]): string[] =>
  names.map((name) => `doctor/on-node/${name}.sh`);

const ACCOUNT = files("begin", "engines", "kernel", "end");

/** The node's report of one check of its engine, account or kernel. */
export const asked = async (
  node: Node,
  id: string,
  env: Record<string, string> = {},
  how: Ran = {},
): Promise<string | undefined> => (await node.reports(env, { scripts: ACCOUNT, ...how }))[id];
