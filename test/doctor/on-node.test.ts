/** The checks that doctor runs on a node, with a PATH and a root directory of the test. */
import { execa } from "execa";
import { appendFileSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { change, GENERATIONS, writeTemplate } from "../fakes/template.js";
import { newNode, type Node } from "./node.js";

t.test("a complete node passes each check, and no file remains", async (t) => {
  const node = newNode(t);
  node.write("top/sys/module/iptable_nat/x", "");
  for (const name of ["ip6_tables", "ip6table_nat"]) node.write(`top/sys/module/${name}/x`, "");
  const checks = await node.reports({ USERNETES_INTERFACE: "eth0" });
  const faults = Object.entries(checks).filter(([, text]) => text.startsWith("no"));
  t.strictSame(faults, []);
  t.equal(checks["interface"], "ok 10.1.2.3");
  t.equal(checks["engine-docker"], "ok 29.0.1");
  t.equal(checks["compose-docker"], "ok 2.30.0");
  t.ok(Math.abs(Number(checks["clock"]?.slice(3)) - Date.now()) < 20_000);
  t.equal(Object.keys(checks).at(-1), "end");
  t.strictSame(readdirSync(node.at("work")), []);
});

/** What is removed from the node, and the check that then fails. */
const FAULTS: [what: string, spoil: (node: Node) => void, id: string, wanted: string | RegExp][] = [
  [
    "make",
    (node) => {
      node.remove("bin/make");
    },
    "make",
    "no missing: make",
  ],
  [
    "jq",
    (node) => {
      node.remove("bin/jq");
    },
    "jq",
    "no missing: jq",
  ],
  [
    "setpriv",
    (node) => {
      node.remove("bin/setpriv");
    },
    "tools",
    "no missing: setpriv",
  ],
  [
    "kubectl",
    (node) => {
      node.remove("bin/kubectl");
    },
    "kubectl",
    "no missing: kubectl",
  ],
  [
    "kubectl, where the template has one",
    (node) => {
      node.remove("bin/kubectl");
      appendFileSync(join(node.env["USERNETES_TEMPLATE"] ?? "", "Makefile"), "kubectl:\n\ttrue\n");
    },
    "kubectl",
    "ok none on the PATH: jobs get the node's own (make kubectl)",
  ],
  [
    "the engine",
    (node) => {
      node.remove("bin/docker");
    },
    "engine-docker",
    "no docker is not on the PATH",
  ],
  [
    "the engine's daemon",
    (node) => {
      node.program("docker", "echo Client:; echo; echo 'Cannot connect to the daemon' >&2; exit 1");
    },
    "engine-docker",
    "no docker does not answer: Cannot connect to the daemon",
  ],
  [
    "compose",
    (node) => {
      node.program(
        "docker",
        'case $1 in compose) echo "unknown command: docker compose" >&2; exit 1 ;; esac',
      );
    },
    "compose-docker",
    "no docker compose does not run: unknown command: docker compose",
  ],
  [
    "a rootless engine",
    (node) => {
      node.engine("docker", "29", "2", "[name=seccomp]");
    },
    "rootless-docker",
    "no docker is not rootless for alice",
  ],
  [
    "cgroup v2",
    (node) => {
      node.remove("top/sys/fs/cgroup/cgroup.controllers");
    },
    "cgroup",
    "no /sys/fs/cgroup is not cgroup v2",
  ],
  [
    "its systemd",
    (node) => {
      node.remove("top/sys/fs/cgroup/user.slice");
    },
    "delegation",
    /^no there is no user@1001.service/,
  ],
  [
    "controllers",
    (node) => {
      node.write(
        "top/sys/fs/cgroup/user.slice/user-1001.slice/user@1001.service/cgroup.controllers",
        "memory cpuset\n",
      );
    },
    "delegation",
    "no not delegated to alice: cpu pids",
  ],
  [
    "lingering",
    (node) => {
      node.remove("top/var/lib/systemd/linger");
    },
    "linger",
    "no alice does not linger",
  ],
  [
    "subuids",
    (node) => {
      node.write("top/etc/subuid", "bob:1:65536\nalice:100000:1000\n1001:300000:500\n");
    },
    "subids",
    "no alice has 1500 ids in subuid; free on this node: usermod --add-subuids 165536-231071 --add-subgids 165536-231071 alice",
  ],
  [
    "newuidmap",
    (node) => {
      node.remove("bin/newuidmap");
    },
    "subids",
    "no newuidmap is missing",
  ],
  [
    "a module",
    (node) => {
      node.write("top/proc/modules", "vxlan_other 1\nbr_netfilter 1\n");
    },
    "modules",
    "no not loaded: vxlan",
  ],
  [
    "a loose rp_filter",
    (node) => {
      node.write("top/proc/sys/net/ipv4/conf/default/rp_filter", "1\n");
    },
    "rp_filter",
    /^no .* is 1 \(strict\)$/,
  ],
  [
    "the template",
    (node) => {
      node.remove("template");
    },
    "template",
    /^no .*\/template does not exist or has no Makefile$/,
  ],
  [
    "a target of the template",
    (node) => {
      change(node.at("template"), "Makefile", /^kubeadm-join:/, "join:");
      node.program("make", "exit 2");
    },
    "template",
    /^no .*\/template lacks what the steps rely on: target kubeadm-join: take a revision of /,
  ],
  [
    "a target that usernetes.make names",
    (node) => {
      node.env["USERNETES_MAKE_NETWORK"] = "install-calico";
      node.program("make", "exit 2");
    },
    "template",
    /^no .*\/template lacks .*: target install-calico \(usernetes.make.network\): take .*, or set usernetes.make to targets that it has$/,
  ],
  [
    "the template's variable for a port",
    (node) => {
      change(node.at("template"), "Makefile", "PORT_FLANNEL", "FLANNEL");
      change(node.at("template"), "docker-compose.yaml", "PORT_FLANNEL", "FLANNEL");
    },
    "template",
    /^no .*\/template does not support configurable ports, it lacks PORT_FLANNEL: set usernetes.ports to "default", /,
  ],
  [
    "what the steps can do without in the template",
    (node) => {
      change(node.at("template"), "Makefile", /^(down-v|kubeadm-reset):/, "$1-not:");
      change(node.at("template"), "Makefile", /COMPOSE|HOST_IP/, "OTHER");
      node.program("make", "exit 2");
    },
    "template-rest",
    /^no .*\/template lacks target kubeadm-reset, target down-v, variable COMPOSE, variable HOST_IP$/,
  ],
  [
    "the work directory",
    (node) => {
      node.remove("work");
    },
    "workdir",
    /^no .*\/work is not a directory$/,
  ],
  [
    "a local disk",
    (node) => {
      node.program("stat", "echo nfs");
    },
    "workdir-local",
    /^no .*\/work is on nfs$/,
  ],
  [
    "the interface",
    (node) => {
      node.program("ip", "exit 1");
    },
    "interface",
    /^no eth0 does not exist or has no IPv4 address$/,
  ],
  [
    "the shell plugin",
    (node) => {
      node.remove("flux");
    },
    "shell-plugin",
    /^no .*\/flux\/shell\/lua.d\/usernetes.lua does not exist$/,
  ],
];

for (const [what, spoil, id, wanted] of FAULTS)
  t.test(`a node without ${what} fails that check`, async (t) => {
    const node = newNode(t);
    spoil(node);
    const reports = await node.reports({ USERNETES_INTERFACE: "eth0" });
    t.match(reports[id], wanted);
    if (typeof wanted === "string") t.equal(reports[id], wanted);
    t.equal(reports["end"], "ok", "and the checks continue to the end");
  });

t.test("each generation of the template passes", async (t) => {
  for (const generation of GENERATIONS) {
    const node = newNode(t);
    node.remove("template");
    writeTemplate(node.at("template"), generation);
    if (generation === "U7S_") node.env["PORT_FLANNEL"] = "8472";
    t.match(await node.reports(), { template: "ok", "template-rest": "ok" }, generation);
    change(node.at("template"), "Makefile", "COMPOSE", "COMPOSE_PROJECT_NAME");
    t.equal((await node.reports())["template-rest"], "ok", "which compose itself takes");
  }
});

t.test("sudo is tried as a user of the node with run-as sudo, and not otherwise", async (t) => {
  const node = newNode(t);
  t.equal((await node.reports())["sudo"], undefined);
  const sudo = { USERNETES_RUN_AS: "sudo" };
  t.equal((await node.reports(sudo))["sudo"], "no missing: sudo");
  node.program("getent", "printf 'root:x:0:\\nalice:x:1001:\\nbob:x:1002:\\nnobody:x:65534:\\n'");
  node.program(
    "sudo",
    `[ "$*" = "-n -u #1002 setpriv --pdeathsig TERM timeout -k 5 9 env -i true" ]`,
  );
  t.match((await node.reports(sudo))["sudo"], /^ok/);
  node.program("sudo", 'echo "sudo: a password is required" >&2; exit 1');
  t.equal((await node.reports(sudo))["sudo"], "no as uid 1002: sudo: a password is required");
});

t.test("modules that are built into the kernel count", async (t) => {
  const node = newNode(t);
  node.write("top/proc/modules", "vxlan 1\n");
  const release = await execa("uname", ["-r"]);
  node.write(
    `top/lib/modules/${release.stdout}/modules.builtin`,
    "kernel/net/bridge/br_netfilter.ko\n",
  );
  t.equal((await node.reports())["modules"], "ok");
});

t.test("a kernel without a list of modules gives no finding", async (t) => {
  const node = newNode(t);
  node.remove("top/proc/modules");
  t.match((await node.reports())["modules"], /^ok not known: /);
});

t.test("a rootful engine needs no delegation", async (t) => {
  const node = newNode(t);
  node.engine("docker", "29", "2", "[name=seccomp]");
  node.remove("top/sys/fs/cgroup/user.slice");
  t.match((await node.reports())["delegation"], /^ok not needed: /);
});

t.test("podman's separate compose program and pasta are reported", async (t) => {
  const node = newNode(t);
  node.engine("podman", "5.2.0", "");
  node.program(
    "podman-compose",
    `printf "podman-compose version: 1.0.6\\nusing podman version: 5.2.0\\n"`,
  );
  const env = { USERNETES_ENGINES: "podman docker", FAKE_NETWORK: "pasta" };
  t.match(await node.reports(env), {
    "engine-podman": "ok 5.2.0",
    "compose-podman": "ok 1.0.6",
    "rootless-podman": "ok",
    slirp4netns: "no podman uses pasta",
    "engine-docker": "ok 29.0.1",
  });
});

t.test(
  "the template's digest covers its files, links and names, but not its history",
  async (t) => {
    const node = newNode(t);
    const digest = async () => (await node.reports())["template-same"];
    const first = await digest();
    t.match(first, /^ok [0-9a-f]{12}$/);
    node.write("template/.git/HEAD", "x");
    node.write("template/kubeconfig", "someone tried it");
    t.equal(await digest(), first);
    node.write("template/Makefile", "up:\n");
    const second = await digest();
    t.not(second, first);
    symlinkSync("Makefile", node.at("template/GNUmakefile"));
    t.not(await digest(), second);
  },
);

t.test("ports in use are reported within the range only", async (t) => {
  const node = newNode(t);
  const head = "  sl  local_address rem_address   st\n";
  const line = (port: number, state: string) =>
    `   0: 00000000:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 ${state} 0\n`;
  node.write("top/proc/net/tcp", head + line(20001, "0A") + line(20002, "01") + line(80, "0A"));
  node.write("top/proc/net/udp", head + line(29999, "07"));
  t.equal((await node.reports())["ports"], "ok 20001 29999");
});

t.test("the shell plugin is searched where the shell searches it", async (t) => {
  const node = newNode(t);
  const plugin = async (path = "") =>
    (await node.reports({ FLUX_SHELL_RC_PATH: path }))["shell-plugin"];
  node.remove("flux");
  t.match(await plugin(), /^no .*\/flux\/shell\/lua.d\/usernetes.lua does not exist$/);
  node.write("own/lua.d/usernetes.lua", "");
  t.match(await plugin(node.at("own")), /^no .* does not exist, nor usernetes.lua in .*\/own$/);
  t.equal(await plugin(node.at("own/lua.d")), "ok");
  t.equal(await plugin(`/nonexistent:${node.at("own/lua.d")}`), "ok");
  // The instance uses another initrc instead of the installed one.
  node.program("flux", `[ "$*" = "getattr conf.shell_initrc" ] && echo ${node.at("own/i.lua")}`);
  t.equal(await plugin(), "ok");
});

t.test(
  "the node's address is found as the template finds it, unless an interface is set",
  async (t) => {
    const node = newNode(t);
    t.match(await node.reports(), { address: "ok 10.1.2.3" });
    node.program("ip", "echo 'RTNETLINK answers: Network is unreachable' >&2; exit 2");
    const { address, networks } = await node.reports();
    t.equal(address, "no the node's address cannot be found: there is no default route");
    t.equal(networks, "ok");
    t.equal((await node.reports({ USERNETES_INTERFACE: "eth0" }))["address"], undefined);
  },
);

t.test("the node's networks are reported, without the default route", async (t) => {
  const node = newNode(t);
  t.equal((await node.reports())["networks"], "ok 10.1.2.0/24 eth0 10.1.2.3/24 eth0");
});

t.test("the template's fixed ports are reported if they are in use", async (t) => {
  const node = newNode(t);
  const head = "  sl  local_address rem_address   st\n";
  const taken = [8080, 9443, 7000, 6443, 53, 30000]
    .map((port) => `   0: 00000000:${port.toString(16).toUpperCase()} 00000000:0000 0A 0\n`)
    .join("");
  node.write("top/proc/net/tcp", head + taken);
  const ports = async (text: string) => {
    node.write("template/docker-compose.yaml", `services:\n  node:\n    ports:\n${text}`);
    return (await node.reports())["template-ports"];
  };
  const used = (port: number | string) => `no in use: ${port} (published by docker-compose.yaml)`;
  t.equal(await ports("      - 8080:80\n"), used(8080));
  t.equal(await ports('    - "127.0.0.1:9443:443/tcp" # https\n'), used(9443));
  t.equal(await ports("      - [::1]:8080:80\n      - 7000:1\n"), used("7000 8080"));
  t.equal(await ports("      - target: 80\n        published: '8080'\n"), used(8080));
  t.equal(await ports("      - {target: 80, published: 8080}\n"), used(8080));
  t.equal(await ports("      - 8080:80\n    volumes:\n      - 9443:/x\n"), used(8080));
  // These are a port of the cluster, a port that the engine chooses, and two free ports.
  const others = ["${PORT_KUBE_APISERVER:-6443}:6443", "8080", "8081:53", "127.0.0.1::7000"];
  t.equal(await ports(others.map((text) => `      - ${text}\n`).join("")), "ok");
  t.equal(await ports("    environment:\n      A: 8080:80\n"), "ok");
});

t.test("a host with nf_tables needs no iptables modules", async (t) => {
  const node = newNode(t);
  node.write("top/proc/modules", "br_netfilter 1 0\nvxlan 2 0\n");
  t.match((await node.reports())["iptables"], /^no not loaded: ip_tables /);
  node.write("top/proc/modules", "br_netfilter 1 0\nvxlan 2 0\nnf_tables 3 0\n");
  t.equal((await node.reports())["iptables"], "ok not needed: the kernel has nf_tables");
});

t.test("bridge-nf-call-iptables matters where the engine is rootful", async (t) => {
  const node = newNode(t);
  node.write("top/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n");
  t.equal((await node.reports())["bridge-nf"], undefined);
  node.engine("docker", "29", "2", "[name=seccomp]");
  t.equal((await node.reports())["bridge-nf"], "no net.bridge.bridge-nf-call-iptables is 1");
  node.write("top/proc/sys/net/bridge/bridge-nf-call-iptables", "0\n");
  t.equal((await node.reports())["bridge-nf"], "ok");
});

t.test("the line of an engine's output that names the error is reported", async (t) => {
  const node = newNode(t);
  const prints = async (text: string) => {
    node.program("docker", `printf '${text}' >&2; exit 1`);
    return (await node.reports())["engine-docker"];
  };
  t.equal(
    await prints(
      "Client:\\n\\nServer:\\nERROR: Cannot connect to it\\nerrors pretty printing info\\n",
    ),
    "no docker does not answer: ERROR: Cannot connect to it",
  );
  t.equal(await prints(""), "no docker does not answer: exit 1, without output");
});

t.test("a trial executes a command in a container and removes it", async (t) => {
  const node = newNode(t);
  for (const name of ["sleep", "tar", "ldd"])
    symlinkSync(`/usr/bin/${name}`, node.at(`bin/${name}`));
  const engine = (fault: string, security = "name=rootless", sys = "rw") => {
    node.program(
      "docker",
      `case "$1 $2" in
  "info --format") echo '[${security}]' ;;
  "import -") tar -tf - >/dev/null || exit; echo made >"${node.directory}/image" ;;
  "run --detach") echo made >"${node.directory}/container" ;;
  "exec "*) ${fault}
    echo "sysfs /sys sysfs ${sys},nosuid 0 0" ;;
  "rm --force") rm "${node.directory}/container" ;;
  "image rm") rm "${node.directory}/image" ;;
  "compose version") echo "Docker Compose version v2.30.0" ;;
  "--version ") echo "Docker version 29.0.1, build 1" ;;
esac`,
    );
  };
  const isClean = () =>
    readdirSync(node.directory).every((name) => !["image", "container"].includes(name));
  engine("");
  let reports = await node.reports();
  t.equal(reports["exec-docker"], "ok");
  t.equal(reports["udevd-docker"], undefined, "a rootless engine");
  t.ok(isClean());
  engine("echo 'Error: crun: cgroup.procs: Permission denied' >&2; exit 126");
  reports = await node.reports();
  t.equal(
    reports["exec-docker"],
    "no docker exec does not work in a container that runs: Error: crun: cgroup.procs: Permission denied",
  );
  t.ok(isClean());
  engine("", "name=seccomp", "ro");
  t.equal((await node.reports())["udevd-docker"], "no /sys is read-only in a privileged container");
  engine("", "name=seccomp");
  t.equal((await node.reports())["udevd-docker"], "ok");
});

t.test("a trial finds a podman whose containers cannot be entered", async (t) => {
  const node = newNode(t);
  for (const name of ["sleep", "tar", "ldd", "true"])
    symlinkSync(`/usr/bin/${name}`, node.at(`bin/${name}`));
  node.program("id", "echo 1000");
  node.program(
    "podman",
    `case "$1 $2" in
  "info --format") echo true ;;
  "import -") tar -tf - >/dev/null ;;
  "exec "*) [ -n "$IN_SCOPE" ] || { echo 'cgroup.procs: Permission denied' >&2; exit 126; } ;;
  "--version ") echo "podman version 5.4.0" ;;
esac`,
  );
  const reports = await node.reports({ USERNETES_ENGINES: "podman" });
  t.match(reports["exec-podman"], /^no podman exec does not work .*Permission denied/);
  const inScope = await node.reports({ USERNETES_ENGINES: "podman", IN_SCOPE: "yes" });
  t.equal(inScope["exec-podman"], "ok", "the agent starts the checks where it starts steps");
  const between = Object.keys(inScope).filter((id) => id.endsWith("-for-exec-podman"));
  t.strictSame(between, ["image-for-exec-podman", "container-for-exec-podman"], "slow, not silent");
});

t.test("an engine that hangs is stopped", async (t) => {
  const node = newNode(t);
  node.program("docker", "exec /usr/bin/sleep 300");
  // The default limit of 15 s is too long for a test.
  node.program("timeout", 'shift 3; exec /usr/bin/timeout -k 1 0.2 "$@"');
  const reports = await node.reports();
  t.equal(
    reports["engine-docker"],
    "no docker does not answer: it did not answer within 15 s (time-out)",
  );
  t.equal(reports["end"], "ok");
});

t.test("--timeout gives each command another limit", async (t) => {
  const node = newNode(t);
  node.program("docker", "exec /usr/bin/sleep 300");
  node.env["USERNETES_LIMIT"] = "1";
  node.program("timeout", `[ "$3" = 1 ] || exit 9; shift 3; exec /usr/bin/timeout -k 1 0.2 "$@"`);
  const reports = await node.reports();
  t.equal(
    reports["engine-docker"],
    "no docker does not answer: it did not answer within 1 s (time-out)",
  );
});

t.test("a directory that is mounted noexec fails the check", async (t) => {
  const node = newNode(t);
  // A failing chmod replaces the mount: the file cannot be executed either.
  node.program("chmod", "exit 1");
  t.match((await node.reports())["workdir"], /^no nothing can be run in .*noexec/);
  t.strictSame(readdirSync(node.at("work")), []);
});
