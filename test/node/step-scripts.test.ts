/** The script of each step by itself: what it creates from its input, and what it refuses. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import t from "tap";
import { encodeInOrder } from "../../lib/flux/hostlist.js";
import { stepScript } from "../../lib/node/scripts.js";
import { MARKER, newNode, OWN, PROJECT, type Node } from "../fakes/node.js";
import { JOIN_COMMAND } from "../fakes/playing-run.js";
import { MAKEFILE } from "../fakes/template.js";

t.test("stage creates the work directory", (t) => {
  t.test(
    "stage copies the template without its history and an administrator's experiments",
    async (t) => {
      const node = newNode(t);
      const { template } = node;
      mkdirSync(join(template, ".git"));
      mkdirSync(join(template, "Makefile.d"));
      writeFileSync(join(template, "Makefile.d/check.sh"), "true\n");
      writeFileSync(join(template, ".dockerignore"), "x\n");
      for (const name of ["kubeconfig", "join-command"]) writeFileSync(join(template, name), "old");
      symlinkSync("Makefile", join(template, "GNUmakefile"));
      const { exitCode, stderr } = await node.step("stage");
      t.equal(exitCode, 0, stderr);
      t.strictSame(readdirSync(node.workdir).toSorted(), [
        ...[".dockerignore", ".usernetes", "GNUmakefile", "Makefile", "Makefile.d"],
        "docker-compose.yaml",
      ]);
      t.ok(lstatSync(join(node.workdir, "GNUmakefile")).isSymbolicLink());
      t.equal(statSync(node.workdir).mode & 0o777, 0o700);
      t.equal(node.read(".usernetes/owner"), `${MARKER}\n`);
    },
  );

  t.test("stage keeps each file's mode, which identifies an image's layers", async (t) => {
    const node = newNode(t);
    mkdirSync(join(node.template, "Makefile.d"), { mode: 0o755 });
    const modes = { Makefile: 0o644, "Makefile.d/run.sh": 0o755, "Makefile.d": 0o755 };
    writeFileSync(join(node.template, "Makefile.d/run.sh"), "true\n");
    for (const [name, mode] of Object.entries(modes)) chmodSync(join(node.template, name), mode);
    t.strictSame(await node.call("stage"), ["stage: ok"]);
    for (const [name, mode] of Object.entries(modes))
      t.equal(statSync(join(node.workdir, name)).mode & 0o777, mode, name);
    for (const name of ["owner", "staged", "nodes/0/node.env"])
      t.equal(statSync(join(node.workdir, ".usernetes", name)).mode & 0o777, 0o600, name);
    t.equal(statSync(node.workdir).mode & 0o777, 0o700, "for nobody else");
  });

  t.test("stage completes its own directory and keeps the cluster's files", async (t) => {
    const node = newNode(t);
    symlinkSync("Makefile", join(node.template, "GNUmakefile"));
    await node.step("stage");
    writeFileSync(join(node.workdir, "Makefile"), "half");
    writeFileSync(join(node.workdir, "kubeconfig"), "the cluster's");
    rmSync(join(node.workdir, ".usernetes/staged"));
    const { exitCode, stderr } = await node.step("stage");
    t.equal(exitCode, 0, stderr);
    t.equal(node.read("Makefile"), MAKEFILE);
    t.equal(node.read("kubeconfig"), "the cluster's");
  });

  t.test("stage uses an empty directory, which a killed stage leaves", async (t) => {
    const node = newNode(t);
    mkdirSync(node.workdir);
    t.equal((await node.step("stage")).exitCode, 0);
    t.equal(node.read(".usernetes/owner"), `${MARKER}\n`);
  });

  t.test("stage never changes a directory that belongs to another job", async (t) => {
    const node = newNode(t);
    node.staged();
    writeFileSync(join(node.workdir, ".usernetes/owner"), "123 another\n");
    writeFileSync(join(node.workdir, "Makefile"), "another's");
    chmodSync(node.workdir, 0o755);
    const { exitCode, stderr } = await node.step("stage");
    t.equal(exitCode, 1);
    t.equal(stderr, `${node.workdir} belongs to another job (123 another)`);
    t.equal(node.read("Makefile"), "another's");
    t.equal(statSync(node.workdir).mode & 0o777, 0o755);
  });

  t.test("stage reports a work directory that another node shares and must not", async (t) => {
    const node = newNode(t);
    node.staged();
    mkdirSync(join(node.workdir, ".usernetes/nodes/7"));
    const { exitCode, stderr } = await node.step("stage", {
      USERNETES_SHARED: "no",
      USERNETES_RANKS: "0,5-7",
      USERNETES_HOSTS: "login1,node[5-7]",
    });
    t.equal(exitCode, 1);
    t.match(
      stderr,
      /\(usernetes\.workdir\) is shared with node7: set usernetes\.shared-filesystem/,
    );
    t.equal((await node.step("stage")).exitCode, 0, "auto takes it as it is");
  });

  t.test("one node stages a shared work directory, and the others wait", async (t) => {
    const node = newNode(t);
    mkdirSync(join(node.workdir, ".usernetes"), { recursive: true });
    for (const [name, text] of [
      ["owner", `${MARKER}\n`],
      ["copying", "node7\n"],
    ] as const)
      writeFileSync(join(node.workdir, ".usernetes", name), text);
    const started = node.step("stage");
    await sleep(300);
    t.notOk(existsSync(join(node.workdir, "Makefile")), "node7 copies");
    writeFileSync(join(node.workdir, "Makefile"), "of node7");
    writeFileSync(join(node.workdir, ".usernetes/staged"), "");
    t.equal((await started).exitCode, 0);
    t.equal(node.read("Makefile"), "of node7");
    t.match(node.read(`${OWN}/node.env`), "NODE_SUBNET=10.100.0.0/24\n");
  });

  t.test("another node stages a shared work directory if the first one failed", async (t) => {
    const node = newNode(t);
    mkdirSync(join(node.workdir, ".usernetes"), { recursive: true });
    writeFileSync(join(node.workdir, ".usernetes/owner"), `${MARKER}\n`);
    writeFileSync(join(node.workdir, ".usernetes/copying"), "node7\n");
    const startedSteps = node.step("stage");
    await sleep(200);
    rmSync(join(node.workdir, ".usernetes/copying"));
    t.equal((await startedSteps).exitCode, 0);
    t.equal(node.read("Makefile"), MAKEFILE);
    t.equal(node.read(".usernetes/copying"), "0\n", "which nobody asks again");
  });

  t.test("stage sets the variables of both generations of the template", async (t) => {
    const node = newNode(t);
    node.program(
      "ip",
      `[ "$*" = "-o -4 route get 1" ] && echo "1 via x dev eth0 src 192.0.2.7 uid 0"`,
    );
    await node.step("stage");
    for (const [name, value] of [
      ["NODE_SUBNET", "10.100.0.0/24"],
      ["NODE_IP", "10.100.0.100"],
      ["HOST_IP", "192.0.2.7"],
      ["NODE_NAME", "u7s-flux-host"],
    ] as const)
      for (const prefix of ["", "U7S_"])
        t.ok(node.read(`${OWN}/node.env`).split("\n").includes(`${prefix}${name}=${value}`), name);
  });

  t.test("stage continues after one that was killed", async (t) => {
    const node = newNode(t);
    mkdirSync(join(node.workdir, ".usernetes"), { recursive: true });
    t.equal((await node.step("stage")).exitCode, 0);
    t.equal(node.read(".usernetes/owner"), `${MARKER}\n`);
  });

  t.test("stage never changes a directory with no marker", async (t) => {
    const node = newNode(t);
    mkdirSync(node.workdir);
    writeFileSync(join(node.workdir, "thesis.tex"), "mine");
    const { exitCode, stderr } = await node.step("stage");
    t.equal(exitCode, 1);
    t.equal(
      stderr,
      `${node.workdir} already exists, is not empty and does not belong to a cluster; remove it or change usernetes.workdir`,
    );
    t.strictSame(readdirSync(node.workdir), ["thesis.tex"]);
  });

  t.test("stage follows no symbolic link and uses no file as directory", async (t) => {
    const node = newNode(t);
    const elsewhere = join(node.directory, "elsewhere");
    mkdirSync(elsewhere);
    for (const make of [
      () => {
        symlinkSync(elsewhere, node.workdir);
      },
      () => {
        symlinkSync(join(node.directory, "nowhere"), node.workdir);
      },
      () => {
        writeFileSync(node.workdir, "a file");
      },
    ]) {
      make();
      const { exitCode, stderr } = await node.step("stage");
      t.equal(exitCode, 1);
      t.match(
        stderr,
        /^.*\/usernetes-ƒ2qt1hsjy5 already exists and is not a directory owned by uid [0-9]+; remove it or change usernetes\.workdir$/,
      );
      rmSync(node.workdir);
    }
    t.strictSame(readdirSync(elsewhere), []);
    t.notOk(existsSync(join(node.directory, "nowhere")));
  });

  t.test("stage names what is missing on the node", async (t) => {
    const node = newNode(t);
    const fails = async (env: Record<string, string>) => {
      const { exitCode, stderr } = await node.step("stage", env);
      t.equal(exitCode, 1);
      t.notOk(existsSync(node.workdir), "nothing was started");
      return stderr;
    };
    t.equal(
      await fails({ USERNETES_TEMPLATE: "/nowhere" }),
      "the template /nowhere is not on this node: clone rootless-containers/usernetes there, or set usernetes.template",
    );
    t.equal(
      await fails({ USERNETES_TEMPLATE: node.base }),
      `the template ${node.base} has no Makefile: it does not look like a clone of rootless-containers/usernetes`,
    );
    t.match(
      await fails({ USERNETES_WORKDIR: "/proc/usernetes-x" }),
      "the work directory /proc/usernetes-x cannot be made; check that /proc exists and is writable",
    );
    node.uninstall("make");
    t.match(await fails({}), /^make is not installed on this node, or not on the PATH \//);
  });

  t.test("stage gives each rank the subnet of its place in the job", async (t) => {
    const node = newNode(t);
    const subnet = async (rank: number, ranks: string, first: string) => {
      const { stderr } = await node.step("stage", {
        USERNETES_RANK: String(rank),
        USERNETES_RANKS: ranks,
        USERNETES_SUBNET: first,
      });
      t.equal(stderr, "");
      const env = node.read(`.usernetes/nodes/${rank}/node.env`);
      return /NODE_SUBNET=(.*)/.exec(env)?.[1];
    };
    const first = "10.100.8.0/24";
    t.equal(await subnet(0, "0-3,7", first), "10.100.8.0/24");
    t.equal(await subnet(3, "0-3,7", first), "10.100.11.0/24");
    t.equal(await subnet(7, "0-3,7", first), "10.100.12.0/24");
    t.equal(await subnet(9, "9", first), "10.100.8.0/24");
    t.equal(await subnet(12, "2,10-12", first), "10.100.11.0/24");
    t.equal(await subnet(1, "0-1", "10.100.255.0/24"), "10.101.0.0/24", "over an octet's end");
    t.equal(await subnet(256, "0-300", "10.255.255.0/24"), "11.0.255.0/24");
  });

  t.test("stage refuses a rank that is not in the job", async (t) => {
    const node = newNode(t);
    const { exitCode, stderr } = await node.step("stage", {
      USERNETES_RANK: "5",
      USERNETES_RANKS: "0-3,7",
    });
    t.equal(exitCode, 1);
    t.equal(stderr, "rank 5 is not one of the cluster's ranks 0-3,7");
  });

  t.test("stage names the node as Flux names its host, in lower case", async (t) => {
    const node = newNode(t);
    rmSync(join(node.directory, "bin/hostname"));
    node.program("hostname", "echo node7.hpc.example");
    const hosts = ["Login-A.Example", "n08", "n09", "n10", "n11.x", "n0", "n1", "n2", "n4", "n04"];
    for (const [place, host] of hosts.entries()) {
      const rank = String(place + 3);
      const { exitCode, stderr } = await node.step("stage", {
        USERNETES_RANK: rank,
        USERNETES_RANKS: "3-12",
        USERNETES_HOSTS: encodeInOrder(hosts),
      });
      t.equal(exitCode, 0, stderr);
      const env = node.read(`.usernetes/nodes/${rank}/node.env`).split("\n");
      t.ok(env.includes(`NODE_NAME=u7s-${host.toLowerCase()}`), host);
    }
  });

  t.test("stage has an address of the node if the template uses it", async (t) => {
    const node = newNode(t);
    t.equal((await node.step("stage")).exitCode, 0, "a template that does not needs none");
    t.notMatch(node.read(`${OWN}/node.env`), "HOST_IP");
    writeFileSync(join(node.template, "Makefile"), `${MAKEFILE}# $(HOST_IP)\n`);
    const set =
      "set usernetes.interface to the interface that the cluster's nodes reach each other by";
    for (const [program, why] of [
      [undefined, "ip (iproute2) is not installed on this node, or not on the PATH "],
      [
        "echo 'RTNETLINK answers: Network is unreachable' >&2; exit 2",
        "this node has no default route; ",
      ],
      ["echo '1 dev lo'", "this node has no default route; "],
    ] as const) {
      if (program !== undefined) node.program("ip", program);
      const { exitCode, stderr } = await node.step("stage");
      t.equal(exitCode, 1);
      t.ok(stderr.startsWith(`the address of this node cannot be found: ${why}`), stderr);
      t.ok(stderr.endsWith(set), stderr);
    }
  });

  t.test("stage uses the host's address on the configured interface", async (t) => {
    const node = newNode(t);
    node.program("ip", `[ "$6" = ib0 ] && echo "3: ib0    inet 192.168.7.9/24 brd 192.168.7.255"`);
    await node.step("stage", { USERNETES_INTERFACE: "ib0" });
    t.match(node.read(`${OWN}/node.env`), /^HOST_IP=192\.168\.7\.9$/m);
    const { exitCode, stderr } = await node.step("stage", { USERNETES_INTERFACE: "eth9" });
    t.equal(exitCode, 1);
    t.match(stderr, "the interface eth9 (usernetes.interface) has no IPv4 address on this node");
  });
  t.end();
});

t.test("steps make the template's targets", (t) => {
  t.test("a step makes the target with the node's own name and subnet", async (t) => {
    const node = newNode(t);
    node.staged();
    t.equal((await node.step("sync-external-ip")).exitCode, 0);
    await node.step("up");
    t.strictSame(node.noted("make"), ["sync-external-ip", "up QUICK=1"]);
    t.strictSame(node.noted("make.env"), ["u7s-n 10.0.0.0/24", "u7s-n 10.0.0.0/24"]);
  });

  t.test("up removes a node that is up with other ports or another subnet", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("make.down-v", 'echo "$PORT_ETCD $NODE_SUBNET" >>"$NOTES/down"');
    await node.step("up");
    await node.step("up");
    t.strictSame(node.noted("make"), ["up QUICK=1", "up QUICK=1"], "with the same it stays");
    writeFileSync(join(node.workdir, `${OWN}/kubeadm-init.done`), "");
    t.equal((await node.step("up", { PORT_ETCD: "20004" })).exitCode, 0);
    t.strictSame(node.noted("make").slice(2), ["down-v", "up QUICK=1"]);
    t.strictSame(node.noted("down"), ["20000 10.0.0.0/24"], "as it was brought up");
    t.notOk(existsSync(join(node.workdir, `${OWN}/kubeadm-init.done`)));
    node.note("make.down-v", "exit 1");
    writeFileSync(join(node.workdir, `${OWN}/node.env`), "NODE_SUBNET=10.0.1.0/24\n");
    t.equal((await node.step("up", { PORT_ETCD: "20004" })).exitCode, 0);
    t.strictSame(node.noted("make").slice(4), ["down-v", "up QUICK=1"]);
  });

  t.test("up removes a node that is up with another port for a further variable", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("make.down-v", 'echo "$PORT_CALICO" >>"$NOTES/down"');
    const env = { USERNETES_PORT_VARIABLES: "PORT_CALICO", PORT_CALICO: "20004" };
    await node.step("up", env);
    await node.step("up", { ...env, PORT_CALICO: "20009" });
    t.strictSame(node.noted("make"), ["up QUICK=1", "down-v", "up QUICK=1"]);
    t.strictSame(node.noted("down"), ["20004"], "as it was brought up");
  });

  t.test("up fails if make succeeds and the node's container does not run", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("exited", `${PROJECT}-node-1: Exited (1) 2 seconds ago\n`);
    node.note("make.up", ': >"$NOTES/container"');
    const { exitCode, stderr } = await node.step("up");
    t.equal(exitCode, 1);
    t.equal(
      stderr,
      `the node's container does not run: ${PROJECT}-node-1: Exited (1) 2 seconds ago`,
    );
    node.note("exited", "");
    node.note("make.up", ': >"$NOTES/container"');
    t.match((await node.step("up")).stderr, `does not run: docker has none of ${PROJECT}`);
    for (const name of [`${PROJECT}-node-1`, `${PROJECT}_node_1`, "my.node"]) {
      node.note("container", `${name}\n`);
      node.note("make.up", `echo "${name}" >"$NOTES/container"`);
      t.equal((await node.step("up")).exitCode, 0, name);
      t.equal(node.read(`${OWN}/up.done`), `${name}\n`);
    }
    const labels = `--filter label=com.docker.compose.project=${PROJECT} --filter label=com.docker.compose.service=node`;
    t.match(node.noted("engine").at(-1), labels, "by its labels, whatever its name is");
  });

  t.test("a failed recipe is reported with the container that died", async (t) => {
    const improper = "Error: can only create exec sessions on running containers";
    for (const step of ["kubeadm-init", "kubeadm-join", "join-command", "kubeconfig"] as const) {
      const node = newNode(t);
      node.staged();
      node.note("exited", `${PROJECT}-node-1: Exited (137) 2 seconds ago\n`);
      node.note(`make.${step}`, `echo "${improper}" >&2; exit 255`);
      const { exitCode, stderr } = await node.step(step);
      t.equal(exitCode, 255, "the recipe's own status");
      const died = `the node's container has died: ${PROJECT}-node-1: Exited (137) 2 seconds ago`;
      t.strictSame(stderr.split("\n"), [improper, died], step);
      node.note("exited", `${PROJECT}-node-1: Restarting (1) 1 second ago\n`);
      t.equal((await node.step(step)).stderr, improper, "it comes back");
      node.note("exited", "");
      node.note("container", `${PROJECT}-node-1\n`);
      t.equal((await node.step(step)).stderr, improper, "it runs");
    }
  });

  t.test("up starts again after a failed try, and removes its network", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("make.up", "exit 1");
    t.not((await node.step("up")).exitCode, 0);
    node.note("network", `${PROJECT}_default\nbridge\n`);
    node.note("image", `${PROJECT}-node:latest\n`);
    node.note("make.up", 'cp "$NOTES/network" "$NOTES/seen"');
    t.equal((await node.step("up")).exitCode, 0);
    t.strictSame(node.noted("make"), ["up QUICK=1", "down-v", "up QUICK=1"]);
    t.strictSame(node.noted("seen"), ["bridge"]);
    t.strictSame(node.noted("image"), [`${PROJECT}-node:latest`], "what it has built serves again");
    await node.step("up");
    t.strictSame(node.noted("make").slice(3), ["up QUICK=1"], "what came up stays");
  });

  t.test("kubeadm-init runs once, and resets an incomplete one", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("make.kubeadm-init", "exit 1");
    t.not((await node.step("kubeadm-init")).exitCode, 0);
    node.note("make.kubeadm-init", "");
    t.equal((await node.step("kubeadm-init")).exitCode, 0);
    t.equal((await node.step("kubeadm-init")).exitCode, 0);
    t.strictSame(node.noted("make"), ["kubeadm-init", "kubeadm-reset", "kubeadm-init"]);
  });

  t.test(
    "kubeadm-init ends a kubeadm that still runs in the container before the reset",
    async (t) => {
      const node = newNode(t);
      node.staged();
      node.note("container", `${PROJECT}-node-1\n`);
      node.note("in-container", 'echo "$*" >>"$NOTES/make"');
      node.note("make.kubeadm-join", "exit 1");
      await node.step("kubeadm-join");
      t.strictSame(node.noted("make"), ["kubeadm-join"]);
      await node.step("kubeadm-join");
      const kill = "pkill -KILL -x kubeadm";
      t.strictSame(node.noted("make").slice(1), [kill, "kubeadm-reset", "kubeadm-join"]);
    },
  );

  t.test("install-flannel removes what an interrupted one has made", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("container", `${PROJECT}-node-1\n`);
    node.note("in-container", 'echo "$*" >>"$NOTES/in-node"');
    node.note("make.install-flannel", "exit 1");
    await node.step("install-flannel");
    t.strictSame(node.noted("in-node"), [], "there is nothing yet");
    node.note("make.install-flannel", "");
    t.equal((await node.step("install-flannel")).exitCode, 0);
    const undone = node.noted("in-node").join("\n");
    t.match(
      undone,
      /pkill -KILL -f \/usernetes\/\[\^ \]\*\[i\]nstall-flannel\n.*\n.*helm uninstall .*kubectl delete namespace .* kube-flannel/,
    );
    t.equal((await node.step("install-flannel")).exitCode, 0);
    t.equal(node.noted("in-node").join("\n"), undone, "and nothing of one that ended well");
    t.strictSame(node.noted("make"), Array(3).fill("install-flannel"));
  });

  t.test("the steps make the targets of usernetes.make, and undo no other network", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("container", `${PROJECT}-node-1\n`);
    node.note("in-container", 'echo "$*" >>"$NOTES/in-node"');
    const env = { USERNETES_MAKE_UP: "up-built", USERNETES_MAKE_NETWORK: "install-calico" };
    t.equal((await node.step("up", env)).exitCode, 0);
    node.note("make.install-calico", "exit 1");
    t.equal((await node.step("install-flannel", env)).exitCode, 1);
    node.note("make.install-calico", "");
    node.note("in-node", "");
    t.equal((await node.step("install-flannel", env)).exitCode, 0);
    t.strictSame(node.noted("make"), ["up-built QUICK=1", "install-calico", "install-calico"]);
    t.strictSame(node.noted("in-node"), ["pkill -KILL -f /usernetes/[^ ]*[i]nstall-calico"]);
    t.equal((await node.step("install-flannel", { USERNETES_MAKE_NETWORK: "" })).exitCode, 0);
    t.equal(node.noted("make").length, 3, "no network target is made if none is set");
  });

  t.test(
    "kubeadm-join works with templates that execute the join command themselves",
    async (t) => {
      const node = newNode(t);
      node.staged();
      const file = join(node.workdir, "join-command");
      writeFileSync(file, "#!/bin/sh\necho it runs\n", { mode: 0o600 });
      node.note("make.kubeadm-join", "./join-command; ls -l join-command | cut -c 1-10");
      const { exitCode, stdout, stderr } = await node.step("kubeadm-join");
      t.equal(exitCode, 0, stderr);
      t.equal(stdout, "it runs\n-rwx------", "and it is nobody else's to read");
    },
  );

  t.test("kubeadm-join removes a worker's copy of the token", async (t) => {
    const node = newNode(t);
    node.staged();
    const file = join(node.workdir, "join-command");
    writeFileSync(file, JOIN_COMMAND);
    node.note("make.kubeadm-join", "exit 1");
    await node.step("kubeadm-join");
    t.ok(existsSync(file), "it is needed for another try");
    node.note("make.kubeadm-join", "");
    t.equal((await node.step("kubeadm-join")).exitCode, 0);
    t.notOk(existsSync(file));
  });

  t.test("kubeconfig adds the node's kubectl if the PATH has none", async (t) => {
    const staged = (makefile: string) => {
      const node = newNode(t);
      node.staged();
      node.note("make.kubeconfig", ": >kubeconfig");
      node.note("make.kubectl", "echo 1 >kubectl; chmod 755 kubectl");
      writeFileSync(join(node.workdir, "Makefile"), makefile);
      return node;
    };
    const has = (node: Node) => existsSync(join(node.workdir, "bin/kubectl"));
    const fetch = async (node: Node) => {
      const { exitCode, stderr } = await node.step("kubeconfig");
      t.equal(exitCode, 0, stderr);
      return node.noted("make");
    };
    const node = staged("kubeconfig:\nkubectl:\n");
    t.strictSame(await fetch(node), ["kubeconfig", "kubectl"]);
    t.ok(has(node));
    t.notOk(existsSync(join(node.workdir, "kubectl")));
    t.strictSame(await fetch(node), ["kubeconfig", "kubectl", "kubeconfig"], "once");
    const old = staged("kubeconfig:\n");
    t.strictSame(await fetch(old), ["kubeconfig"], "a template without that target");
    const broken = staged("kubectl:\n");
    broken.note("make.kubectl", "echo half >kubectl; exit 2");
    await fetch(broken);
    t.notOk(existsSync(join(broken.workdir, "kubectl")), "half of one is removed");
    const installed = staged("kubectl:\n");
    installed.program("kubectl", "true");
    t.strictSame(await fetch(installed), ["kubeconfig"], "the site's is enough");
    const own = staged("kubectl:\n");
    rmSync(join(own.workdir, ".usernetes/staged"));
    t.strictSame(await fetch(own), ["kubeconfig"], "a directory that a person gave stays");
  });

  t.test("only the user can read the kubeconfig", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("make.kubeconfig", "umask 022; echo secret >kubeconfig");
    t.equal((await node.step("kubeconfig")).exitCode, 0);
    t.equal(statSync(join(node.workdir, "kubeconfig")).mode & 0o777, 0o600);
  });
  t.end();
});

t.test("delete-token removes the token", (t) => {
  t.test("delete-token deletes every token by its public ID, and the lead's copy", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("container", `${PROJECT}-node-1\n`);
    writeFileSync(join(node.workdir, "join-command"), JOIN_COMMAND);
    node.note(
      "in-container",
      `if [ "$2 $3" = "token list" ]; then printf 'fedcba.0123456789abcdef\\n'; else echo "$*" >>"$NOTES/kubeadm"; fi`,
    );
    const { exitCode, stderr } = await node.step("delete-token");
    t.equal(exitCode, 0, stderr);
    t.strictSame(node.noted("kubeadm"), ["kubeadm token delete abcdef fedcba"]);
    t.notOk(existsSync(join(node.workdir, "join-command")));
  });

  t.test("delete-token reports a missing container of the cluster", async (t) => {
    const node = newNode(t);
    node.staged();
    const { exitCode, stderr } = await node.step("delete-token");
    t.equal(exitCode, 1);
    t.equal(stderr, `the node's container has died: docker has none of ${PROJECT}`);
  });
  t.end();
});

t.test("wait-nodes waits until all nodes of the cluster are Ready", async (t) => {
  const node = newNode(t);
  node.staged();
  node.note("container", `${PROJECT}_node_1\n`);
  node.note(
    "in-container",
    `echo "$*" >>"$NOTES/kubectl"
[ "$(grep -c wait "$NOTES/kubectl")" -ge 2 ] || { echo "The connection to the server was refused" >&2; exit 1; }
echo "node/u7s-a condition met"
[ "$(grep -c wait "$NOTES/kubectl")" -ge 4 ] || { echo "error: timed out waiting for the condition on nodes/u7s-b" >&2; exit 1; }
echo "node/u7s-b condition met"`,
  );
  const { exitCode, stdout } = await node.step("wait-nodes", { USERNETES_SIZE: "2" });
  t.equal(exitCode, 0);
  t.strictSame(stdout.split("\n"), [
    "nodes: 0 of 2 Ready; The connection to the server was refused",
    "nodes: 1 of 2 Ready; not Ready: u7s-b",
    "nodes: 2 of 2 Ready",
  ]);
});

t.test("wait-nodes removes the node objects of workers that the cluster lacks", async (t) => {
  const node = newNode(t);
  node.staged();
  node.note("container", `${PROJECT}_node_1\n`);
  node.note(
    "in-container",
    'echo "$*" >>"$NOTES/kubectl"; [ "$2" != wait ] || echo "node/u7s-a condition met"; [ "$2" != delete ]',
  );
  const env = {
    USERNETES_SIZE: "1",
    USERNETES_SCHEDULE_ON_LEAD: "no",
    USERNETES_WITHOUT: "u7s-b u7s-c",
  };
  t.equal((await node.step("wait-nodes", env)).exitCode, 0, "whether that works or not");
  t.match(node.noted("kubectl")[0], /^kubectl delete node --ignore-not-found u7s-b u7s-c$/);
});

t.test("down-v removes a cluster from its node", (t) => {
  const all = (node: Node) =>
    ["container", "network", "volume", "image"].flatMap((kind) => node.noted(kind));
  const fill = (node: Node) => {
    node.note("container", `${PROJECT}-node-1\n`);
    node.note("network", `${PROJECT}_default\nbridge\n`);
    node.note("volume", `${PROJECT}_node-var\n${PROJECT}_node-etc\nhome\n`);
    node.note("image", `${PROJECT}-node:latest\nalpine:3\nlocalhost/${PROJECT}_node:latest\n`);
  };

  t.test("the last node to use a shared work directory removes it", async (t) => {
    const node = newNode(t);
    node.staged();
    const other = join(node.workdir, ".usernetes/nodes/7");
    mkdirSync(other);
    fill(node);
    const { exitCode, stderr } = await node.step("down-v");
    t.equal(exitCode, 0, stderr);
    t.strictSame(node.noted("container"), [], "what is this node's own goes");
    t.notOk(existsSync(join(node.workdir, OWN)));
    t.ok(existsSync(other) && existsSync(join(node.workdir, "Makefile")), "the other is at it");
    rmSync(other, { recursive: true });
    t.equal((await node.step("down-v")).exitCode, 0);
    t.notOk(existsSync(node.workdir));
  });

  // Until 2026-11-30 a node's directory had the name of its host.
  for (const others of [[], ["elsewhere"]])
    t.test(
      `down-v removes a work directory that names nodes by host${others.length > 0 ? ", if no other uses it" : ""}`,
      async (t) => {
        const node = newNode(t);
        node.staged();
        const nodes = join(node.workdir, ".usernetes/nodes");
        renameSync(join(node.workdir, OWN), join(nodes, hostname()));
        for (const other of others) mkdirSync(join(nodes, other));
        fill(node);
        const { exitCode, stderr, stdout } = await node.step("down-v");
        t.equal(exitCode, 0, stderr);
        t.match(node.noted("make.env"), ["u7s-n 10.0.0.0/24"], "with the node's own settings");
        if (others.length > 0) t.match(stdout, "stays for elsewhere");
        t.notOk(existsSync(join(nodes, hostname())));
        t.equal(existsSync(node.workdir), others.length > 0);
      },
    );

  t.test(
    "down-v does not confuse another rank's directory with one of an earlier version",
    async (t) => {
      const node = newNode(t);
      node.staged();
      const other = join(node.workdir, ".usernetes/nodes/7");
      renameSync(join(node.workdir, OWN), other);
      t.equal((await node.step("down-v", { USERNETES_HERE: "7" })).exitCode, 0);
      t.ok(existsSync(other));
    },
  );

  t.test(
    "down-v makes down-v, then removes remaining resources and the work directory",
    async (t) => {
      const node = newNode(t);
      node.staged();
      fill(node);
      const { exitCode, stderr } = await node.step("down-v");
      t.equal(exitCode, 0, stderr);
      t.strictSame(node.noted("make"), ["down-v"]);
      t.strictSame(all(node), ["bridge", "home", "alpine:3"], "and nothing else");
      t.notOk(existsSync(node.workdir));
    },
  );

  t.test("down-v leaves a cluster alone whose name only starts the same way", async (t) => {
    const node = newNode(t);
    const others = {
      network: `${PROJECT}x_default\n`,
      volume: `my-${PROJECT}_node-var\n`,
      image: `${PROJECT}x-node:latest\n${PROJECT}-nodejs:latest\n`,
    };
    for (const [kind, text] of Object.entries(others)) node.note(kind, text);
    t.equal((await node.step("down-v")).exitCode, 0);
    t.strictSame(all(node).length, 4);
  });

  t.test("down-v kills the node's container before it makes down-v", async (t) => {
    const node = newNode(t);
    node.staged();
    fill(node);
    node.note("make.down-v", 'cp "$NOTES/engine" "$NOTES/before"');
    t.equal((await node.step("down-v")).exitCode, 0);
    t.equal(node.noted("before").at(-1), `stop -t 0 ${PROJECT}-node-1`);
  });

  t.test("down-v continues when the Makefile's own down-v fails", async (t) => {
    const node = newNode(t);
    node.staged();
    fill(node);
    node.note("make.down-v", "exit 2");
    t.equal((await node.step("down-v")).exitCode, 0);
    t.strictSame(all(node), ["bridge", "home", "alpine:3"]);
  });

  t.test("down-v uses the settings of the bring-up, whatever the caller passes", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("make.down-v", 'echo "$PORT_ETCD $NODE_SUBNET" >>"$NOTES/down"');
    await node.step("up");
    await node.step("down-v", { PORT_ETCD: "2379" });
    t.strictSame(node.noted("down"), ["20000 10.0.0.0/24"]);
  });

  t.test("down-v keeps some time if the Makefile's own down-v hangs", async (t) => {
    const node = newNode(t);
    node.staged();
    fill(node);
    node.note("make.down-v", 'echo $$ >"$NOTES/hangs"; exec sleep 300');
    const [end = ""] = await node.call(["down-v", 8, stepScript("down-v")]);
    t.match(end, /^down-v: ok/);
    t.strictSame(all(node), ["bridge", "home", "alpine:3"]);
    t.throws(() => process.kill(Number(node.noted("hangs")[0]), 0), { code: "ESRCH" }, "no orphan");
  });

  t.test("down-v prints what it was removing when an engine hangs", async (t) => {
    const node = newNode(t);
    node.staged();
    fill(node);
    node.note("engine.hangs", "");
    const [end = ""] = await node.call(["down-v", 1, stepScript("down-v")]);
    t.match(end, /^down-v: timeout: /);
    t.ok(end.endsWith(`removing container ${PROJECT}-node-1`), end);
  });

  for (const seconds of [3, 4])
    t.test(`down-v asks for leftovers within ${seconds} s if engine and make hang`, async (t) => {
      const node = newNode(t);
      node.staged();
      writeFileSync(join(node.workdir, `${OWN}/up.with`), "");
      for (const name of ["docker", "make"]) node.program(name, "exec sleep 86400");
      const [end = ""] = await node.call(["down-v", seconds, stepScript("down-v")]);
      t.match(end, /^down-v: timeout: /);
      t.ok(end.endsWith("checking docker for leftovers"), end);
    });

  t.test("down-v fails if the engine cannot remove a volume", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("volume", `${PROJECT}_node-var\n`);
    node.note("engine.refuses", "");
    const { exitCode, stderr } = await node.step("down-v");
    t.equal(exitCode, 1);
    const volume = `${PROJECT}_node-var`;
    t.match(stderr, `left behind: volume ${volume}: Error: ${volume} is in use`);
  });

  t.test("down-v fails while the engine still lists a removed resource", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("container", `${PROJECT}-node-1\n`);
    node.note("volume", `${PROJECT}_node-var\n`);
    node.note("engine.lies", "");
    const { exitCode, stderr } = await node.step("down-v");
    t.equal(exitCode, 1);
    t.equal(
      stderr.split("\n").at(-1),
      `left behind: container ${PROJECT}-node-1,volume ${PROJECT}_node-var`,
    );
    t.ok(existsSync(node.workdir), "it is there for the next try");
    rmSync(join(node.directory, "notes/engine.lies"));
    t.equal((await node.step("down-v")).exitCode, 0);
    t.notOk(existsSync(node.workdir));
  });

  t.test("down-v needs no engine that never answered", async (t) => {
    const node = newNode(t);
    node.staged();
    node.note("engine.down", "");
    const up = await node.step("up");
    t.not(up.exitCode, 0);
    t.not(up.stderr, "", "the engine's own message");
    t.strictSame(node.noted("make"), [], "nothing was made");
    const { exitCode, stdout } = await node.step("down-v");
    t.equal(exitCode, 0);
    t.match(stdout, `docker does not answer, and has made nothing for ${PROJECT}`);
    t.strictSame(node.noted("make"), []);
    t.notOk(existsSync(node.workdir));
  });

  t.test("down-v fails if the engine stops answering", async (t) => {
    const node = newNode(t);
    node.staged();
    await node.step("up");
    node.note("engine.down", "");
    const { exitCode, stderr } = await node.step("down-v");
    t.equal(exitCode, 1);
    t.match(stderr, `docker does not answer: the leftovers of ${PROJECT} are unknown`);
  });

  t.test("down-v changes nothing if the marker is another cluster's", async (t) => {
    const node = newNode(t);
    node.staged();
    fill(node);
    writeFileSync(join(node.workdir, ".usernetes/owner"), "123 another\n");
    const { exitCode, stderr } = await node.step("down-v");
    t.equal(exitCode, 0);
    t.equal(stderr.split("\n").at(-1), `${node.workdir} belongs to another cluster; not removed`);
    t.ok(existsSync(join(node.workdir, "Makefile")));
    t.equal(all(node).length, 9);
    t.strictSame(node.noted("make"), []);
  });

  t.test("down-v follows no symbolic link", async (t) => {
    const node = newNode(t);
    node.staged();
    const real = join(node.directory, "real");
    renameSync(node.workdir, real);
    symlinkSync(real, node.workdir);
    t.equal((await node.step("down-v")).exitCode, 0);
    t.ok(existsSync(join(real, "Makefile")));
    t.ok(lstatSync(node.workdir).isSymbolicLink());
  });

  t.test("down-v can be repeated, and can run where nothing was made", async (t) => {
    const node = newNode(t);
    t.equal((await node.step("down-v")).exitCode, 0);
    mkdirSync(node.workdir);
    t.equal((await node.step("down-v")).exitCode, 0);
    t.notOk(existsSync(node.workdir), "a stage that was killed leaves an empty directory");
    node.staged();
    t.equal((await node.step("down-v")).exitCode, 0);
    t.equal((await node.step("down-v")).exitCode, 0);
  });

  t.test("down-v works without make and without an engine", async (t) => {
    const node = newNode(t);
    node.staged();
    node.uninstall("make");
    node.uninstall("docker");
    t.equal((await node.step("down-v")).exitCode, 0);
    t.notOk(existsSync(node.workdir));
  });

  t.test("down-v leaves no log when an agent starts it", async (t) => {
    const node = newNode(t);
    node.staged();
    t.strictSame(await node.call("down-v"), ["down-v: ok: checking docker for leftovers"]);
    t.notOk(existsSync(node.workdir));
    t.strictSame(node.litter, []);
  });
  t.end();
});

t.test("a work directory that its caller made may be shared by nodes", (t) => {
  const byHand = {
    USERNETES_RANK: "",
    USERNETES_LEAD: "",
    USERNETES_KEEP: "yes",
    USERNETES_SUBNET: "",
  };

  t.test("stage leaves the subnet to the template", async (t) => {
    const node = newNode(t);
    const { exitCode, stderr } = await node.step("stage", byHand);
    t.equal(exitCode, 0, stderr);
    t.ok(existsSync(join(node.workdir, "Makefile")));
    t.notOk(existsSync(join(node.workdir, OWN, "node.env")));
  });

  t.test("a step that one node has done still runs on another", async (t) => {
    const node = newNode(t);
    node.staged();
    rmSync(join(node.directory, "bin/hostname"));
    node.program("hostname", 'echo "$HERE"');
    for (const host of ["here", "there"]) {
      mkdirSync(join(node.workdir, ".usernetes/nodes", host));
      writeFileSync(join(node.workdir, ".usernetes/nodes", host, "node.env"), "");
    }
    writeFileSync(join(node.workdir, "join-command"), "kubeadm join\n");
    for (const HERE of ["here", "there", "here"])
      t.equal((await node.step("kubeadm-join", { ...byHand, HERE })).exitCode, 0);
    t.strictSame(node.noted("make"), ["kubeadm-join", "kubeadm-join"]);
    t.ok(existsSync(join(node.workdir, "join-command")), "others may still need it");
  });

  t.test(
    "down-v makes down-v in a person's directory, asks the engine, and keeps it",
    async (t) => {
      const node = newNode(t);
      mkdirSync(node.workdir);
      writeFileSync(join(node.workdir, "Makefile"), "the administrator's");
      node.note("volume", `${PROJECT}_node-var\n`);
      node.note("container", `${PROJECT}-node-1\n`);
      const { exitCode, stderr } = await node.step("down-v", byHand);
      t.equal(exitCode, 0, stderr);
      t.strictSame(node.noted("make"), ["down-v"]);
      t.strictSame(node.noted("volume"), []);
      t.notMatch(node.noted("engine").join("\n"), /^(stop|kill) /m, "it is not killed");
      t.equal(node.read("Makefile"), "the administrator's");
    },
  );

  t.test(
    "down-v changes nothing in a person's directory with another cluster's marker",
    async (t) => {
      const node = newNode(t);
      node.staged();
      writeFileSync(join(node.workdir, ".usernetes/owner"), "123 another\n");
      node.note("volume", `${PROJECT}_node-var\n`);
      t.equal((await node.step("down-v", byHand)).exitCode, 0);
      t.strictSame(node.noted("make"), []);
      t.strictSame(node.noted("volume"), [`${PROJECT}_node-var`]);
    },
  );
  t.end();
});
