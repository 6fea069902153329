/**
 * Finds a podman to test with, and makes its configuration and the image of the test template's
 * nodes. Nothing is pulled from a registry, and the machine's own podman store is not touched.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";
import { Hosts } from "./hosts.js";

export const IMAGE = "localhost/usernetes-test-node";
/** The directory on each host in which podman has a file for each network. */
export const NETWORKS = "/run/containers/net";
/** The oldest podman-compose that attaches a container to a network with a subnet. */
const COMPOSE = [1, 0, 6];

export interface Engine {
  /** The content of /etc/containers on each host. */
  conf: string;
}

/** The reason why podman cannot be used; undefined if it can. */
export function whyNoPodman(): string | undefined {
  if (process.getuid?.() !== 0) return "podman in hosts of their own needs root";
  for (const command of ["podman", "podman-compose", "ip", "nsenter", "jq", "make"])
    if (printed(command, ["--version"]) === undefined && printed(command, ["-V"]) === undefined)
      return `${command} is not installed`;
  if (!isStatic("/bin/busybox")) return "busybox-static is not installed";
  const version = /podman-compose version:? +([0-9.]+)/.exec(
    printed("podman-compose", ["-v"]) ?? "",
  );
  const numbers = (version?.[1] ?? "0").split(".").map(Number);
  const first = COMPOSE.findIndex((wanted, i) => wanted !== (numbers[i] ?? 0));
  if (first >= 0 && (numbers[first] ?? 0) < (COMPOSE[first] ?? 0))
    return `podman-compose ${numbers.join(".")} is older than ${COMPOSE.join(".")}`;
  return undefined;
}

function printed(command: string, args: string[]): string | undefined {
  const { error, status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  return error || status !== 0 ? undefined : stdout;
}

const isStatic = (path: string): boolean =>
  existsSync(path) && spawnSync("ldd", [path], { encoding: "utf8" }).status !== 0;

/**
 * Writes the configuration and builds the image once for all hosts, which read it from a shared
 * store. Rejects with podman's message if it cannot run a container.
 */
export async function prepareEngine(folder: string): Promise<Engine> {
  const conf = join(folder, "containers");
  const store = join(folder, "image-store");
  mkdirSync(store, { recursive: true });
  cpSync("/etc/containers", conf, { recursive: true, dereference: true });
  const context = join(folder, "image");
  gather(context);
  const builder = await Hosts.open({ folder: join(folder, "builder"), size: 1, conf });
  try {
    const podman = async (...args: string[]) => {
      const { exitCode, stderr } = await builder.podman(0, ...args);
      return exitCode === 0 ? undefined : stderr.trim();
    };
    writeConf(conf, { graphroot: store, stores: [], runtime: "runc" });
    const refused = await podman("build", "-q", "-t", IMAGE, context);
    if (refused !== undefined) throw new Error(`podman builds no image here: ${refused}`);
    // podman's default runtime is crun, which refuses the cgroups of some machines.
    const words: string[] = [];
    for (const runtime of ["crun", "runc"]) {
      const run = ["--runtime", runtime, "run", "--rm", "--privileged", IMAGE, "true"];
      const why = await podman(...run);
      if (why === undefined) {
        const graphroot = "/run/containers/graph";
        writeConf(conf, { graphroot, stores: [store], runtime });
        return { conf };
      }
      words.push(`${runtime}: ${why.split("\n").at(-1) ?? ""}`);
    }
    throw new Error(`podman runs no container here: ${words.join("; ")}`);
  } finally {
    await builder.close();
  }
}

function gather(context: string): void {
  const from = join(PACKAGE, "test/podman/image");
  const root = join(context, "root");
  for (const name of ["bin", "usr/share", "proc", "sys", "etc", "var", "opt", "tmp", "run"])
    mkdirSync(join(root, name), { recursive: true });
  cpSync("/bin/busybox", join(root, "bin/busybox"), { dereference: true });
  for (const name of (printed("/bin/busybox", ["--list"]) ?? "").split("\n").filter(Boolean))
    if (name !== "busybox") symlinkSync("busybox", join(root, "bin", name));
  cpSync(join(from, "bin"), join(root, "usr/bin"), { recursive: true });
  cpSync(join(from, "www"), join(root, "usr/share/kube/apiserver"), { recursive: true });
  mkdirSync(join(root, "usr/share/kube/health"));
  writeFileSync(join(root, "usr/share/kube/health/healthz"), "ok\n");
  cpSync(join(from, "Containerfile"), join(context, "Containerfile"));
}

interface Conf {
  graphroot: string;
  stores: string[];
  runtime: string;
}

/** Ulimits are podman's own defaults, where those are not above what the machine allows. */
function writeConf(conf: string, { graphroot, stores, runtime }: Conf): void {
  const hard = (letter: string) => spawnSync("sh", ["-c", `ulimit -H -${letter}`]).stdout;
  const limit = (letter: string, wanted: number) => {
    const most = Math.min(wanted, Number(hard(letter).toString()) || wanted);
    return `${most}:${most}`;
  };
  writeFileSync(
    join(conf, "containers.conf"),
    `[containers]
default_ulimits = ["nofile=${limit("n", 4096)}", "nproc=${limit("p", 4096)}"]
[network]
network_backend = "netavark"
network_config_dir = "${NETWORKS}"
[engine]
runtime = "${runtime}"
cgroup_manager = "cgroupfs"
events_logger = "none"
tmp_dir = "/run/containers/tmp"
lock_type = "file"
`,
  );
  writeFileSync(
    join(conf, "storage.conf"),
    `[storage]
driver = "overlay"
graphroot = "${graphroot}"
runroot = "/run/containers/run"
[storage.options]
additionalimagestores = [${stores.map((store) => `"${store}"`).join(", ")}]
`,
  );
}
