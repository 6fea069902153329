/** stage refuses a template that lacks what the steps rely on, before it creates anything. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Node } from "../fakes/node.js";
import {
  change,
  GENERATIONS,
  PORTS,
  TARGETS,
  writeTemplate,
  type Generation,
} from "../fakes/template.js";

type Tap = { teardown(act: () => void): unknown };

/** A node whose make has no rules besides those that can be read in the Makefile. */
function newNode(t: Tap, generation: Generation): Node {
  const node = new Node();
  node.program("ip", "echo 1 via x dev eth0 src 192.0.2.7 uid 0");
  t.teardown(() => {
    node.remove();
  });
  writeTemplate(node.template, generation);
  node.note("make.-n", `echo "make: *** No rule to make target '$4'.  Stop." >&2; exit 2`);
  return node;
}

/** The message of a stage that fails and has created nothing, without the template's path. */
async function refusal(t: Tap & Tap0, node: Node): Promise<string> {
  const { exitCode, stderr } = await node.step("stage");
  t.equal(exitCode, 1);
  t.notOk(existsSync(node.workdir), "nothing was started");
  t.notMatch(stderr, "\n", "in one line");
  t.ok(stderr.startsWith(`the template ${node.template} `), stderr);
  return stderr.slice(`the template ${node.template} `.length);
}
type Tap0 = Pick<typeof t, "equal" | "notOk" | "ok" | "notMatch">;

const lacks = (what: string) =>
  `lacks what the steps rely on: ${what}: take a revision of rootless-containers/usernetes that has it`;
/** The message about a target that usernetes.make names and the Makefile lacks. */
const lacksTarget = (step: string, target: string) =>
  `${lacks(`target ${target} (usernetes.make.${step})`)}, or set usernetes.make to targets that it has`;
const DEFAULTS = {
  ...{ PORT_ETCD: "2379", PORT_KUBELET: "10250" },
  ...{ PORT_FLANNEL: "8472", PORT_KUBE_APISERVER: "6443" },
};

for (const generation of GENERATIONS)
  t.test(`the ${generation} template is checked`, (t) => {
    if (generation === "U7S_")
      t.test(
        `the ${generation} template is accepted with its own ports and no others`,
        async (t) => {
          const node = newNode(t, generation);
          t.equal(
            await refusal(t, node),
            `does not support configurable ports, it lacks ${PORTS.join(" ")}: set usernetes.ports to "default", or take a revision from after 2024-12-10`,
          );
          const { exitCode, stderr } = await node.step("stage", DEFAULTS);
          t.equal(exitCode, 0, stderr);
        },
      );
    else
      t.test(`the ${generation} template is accepted unchanged`, async (t) => {
        const node = newNode(t, generation);
        const { exitCode, stderr } = await node.step("stage");
        t.equal(exitCode, 0, stderr);
        t.notOk(node.has("make"), "and make is not asked");
      });

    const all = generation === "U7S_" ? DEFAULTS : {};
    t.test(`the ${generation} template without a target is refused`, async (t) => {
      for (const target of TARGETS) {
        const node = newNode(t, generation);
        Object.assign(node.env, all);
        change(node.template, "Makefile", new RegExp(`^${target}:`), "other:");
        const steps: Record<string, string> = { up: "up", "install-flannel": "network" };
        const step = steps[target];
        const line = step === undefined ? lacks(`target ${target}`) : lacksTarget(step, target);
        t.equal(await refusal(t, node), line);
      }
    });

    t.test(`the ${generation} template without a variable is refused`, async (t) => {
      for (const name of ["NODE_NAME", "NODE_SUBNET"]) {
        const node = newNode(t, generation);
        Object.assign(node.env, all);
        for (const file of ["Makefile", "docker-compose.yaml", "kubeadm-config.yaml"])
          if (file !== "kubeadm-config.yaml" || name === "NODE_NAME")
            change(node.template, file, name, `MY_${name}`);
        t.equal(await refusal(t, node), lacks(`variable ${name}`));
      }
    });

    t.test(`the ${generation} template without a file is refused`, async (t) => {
      for (const file of [
        ...["docker-compose.yaml", "kubeadm-config.yaml"],
        ...["check-preflight", "detect-container-engine", "sync-external-ip"].map(script),
        ...(generation === "U7S_" ? [] : [script("install-flannel")]),
      ]) {
        const node = newNode(t, generation);
        Object.assign(node.env, all);
        rmSync(join(node.template, file));
        const kind = file.endsWith(".sh") ? "program" : "file";
        t.equal(await refusal(t, node), lacks(`${kind} ${file}`));
      }
    });
    t.end();
  });

const script = (name: string) => `Makefile.d/${name}.sh`;

t.test("a template without a port's variable is refused", async (t) => {
  for (const name of PORTS) {
    const node = newNode(t, "plain");
    for (const file of ["Makefile", "docker-compose.yaml"])
      change(node.template, file, name, `MY_${name}`);
    if (name === "PORT_KUBE_APISERVER")
      change(node.template, "kubeadm-config.yaml", name, `MY_${name}`);
    t.match(await refusal(t, node), `does not support configurable ports, it lacks ${name}: `);
  }
});

t.test("a template needs the targets of usernetes.make", async (t) => {
  const env = { USERNETES_MAKE_UP: "up-built", USERNETES_MAKE_NETWORK: "install-calico" };
  const neither = newNode(t, "plain");
  Object.assign(neither.env, env);
  t.equal(
    await refusal(t, neither),
    `${lacks("target up-built (usernetes.make.up), target install-calico (usernetes.make.network)")}, or set usernetes.make to targets that it has`,
  );
  const calico = (makefile: string) => {
    const node = newNode(t, "plain");
    change(node.template, "Makefile", /^up:/, "up-built:");
    change(node.template, "Makefile", /^install-flannel:/, makefile);
    rmSync(join(node.template, script("install-flannel")));
    return node;
  };
  const both = calico("install-calico:");
  t.equal((await both.step("stage", env)).exitCode, 0, "a script for flannel is not needed");
  const none = calico("other:");
  const { exitCode, stderr } = await none.step("stage", { ...env, USERNETES_MAKE_NETWORK: "" });
  t.equal(exitCode, 0, stderr);
});

t.test("a template needs the variables of usernetes.port-variables", async (t) => {
  const env = { USERNETES_PORT_VARIABLES: "PORT_CALICO PORT_B" };
  const neither = newNode(t, "plain");
  Object.assign(neither.env, env);
  t.equal(
    await refusal(t, neither),
    `${lacks("variable PORT_CALICO (usernetes.port-variables), variable PORT_B (usernetes.port-variables)")}, or set usernetes.port-variables to variables that it has`,
  );
  const both = newNode(t, "plain");
  change(
    both.template,
    "docker-compose.yaml",
    /^ {4}ports:/,
    "    ports:\n      - ${PORT_CALICO}:${PORT_CALICO}\n      - ${PORT_B}:2",
  );
  const { exitCode, stderr } = await both.step("stage", env);
  t.equal(exitCode, 0, stderr);
});

t.test("a template that a job names must belong to its user", async (t) => {
  const env = { USERNETES_USER_TEMPLATE: "yes" };
  const mine = newNode(t, "plain");
  const { exitCode, stderr } = await mine.step("stage", env);
  t.equal(exitCode, 0, stderr);
  const words = async (spoil: (template: string) => void) => {
    const node = newNode(t, "plain");
    spoil(node.template);
    const failed = await node.step("stage", env);
    t.equal(failed.exitCode, 1);
    t.notOk(existsSync(node.workdir), "nothing was made");
    t.notMatch(failed.stderr, "\n", "in one line");
    return failed.stderr.replaceAll(node.template, "DIR");
  };
  const uid = process.getuid?.() ?? 0;
  if (uid === 0)
    t.equal(
      await words((template) => {
        chownSync(template, 12345, 12345);
      }),
      "usernetes_template: DIR is not owned by uid 0: a job may name a directory of its own user, or a template of the site",
    );
  const notThere = `usernetes_template: DIR is not a directory on this node, or uid ${uid} may not see it: put a clone of rootless-containers/usernetes there`;
  t.equal(
    await words((template) => {
      rmSync(template, { recursive: true });
      execFileSync("mkfifo", [template]);
    }),
    notThere,
    "a fifo is not waited for",
  );
  t.match(
    await words((template) => {
      rmSync(join(template, "Makefile"));
      execFileSync("mkfifo", [join(template, "Makefile")]);
    }),
    "the template DIR has no Makefile: ",
  );
  t.match(
    await words((template) => {
      symlinkSync("/etc/passwd", join(template, "README"));
    }),
    "README is a link that leads out of it, to /etc/passwd",
  );
  t.equal(
    await words((template) => {
      rmSync(template, { recursive: true });
      symlinkSync("/root/nowhere", template);
    }),
    notThere,
  );
});

t.test("a template's script that is not a program is refused", async (t) => {
  const node = newNode(t, "plain");
  chmodSync(join(node.template, script("check-preflight")), 0o644);
  t.equal(await refusal(t, node), lacks(`program ${script("check-preflight")}`));
});

t.test("a compose file without the service node, or the workdir in it, is refused", async (t) => {
  const service = newNode(t, "plain");
  change(service.template, "docker-compose.yaml", /^ {2}node:/, "  kind-node:");
  t.equal(await refusal(t, service), lacks("service node in its compose file"));
  const mount = newNode(t, "plain");
  change(mount.template, "docker-compose.yaml", ".:/usernetes:ro", ".:/usernetes-src:ro");
  t.equal(await refusal(t, mount), lacks("the directory itself at /usernetes in its compose file"));
});

t.test("all missing items are reported together", async (t) => {
  const node = newNode(t, "plain");
  change(node.template, "Makefile", /^(up|kubeadm-join):/, "$1-now:");
  change(node.template, "docker-compose.yaml", /^services:/, "x-services:");
  t.equal(
    await refusal(t, node),
    `${lacks("target up (usernetes.make.up), target kubeadm-join, service node in its compose file")}, or set usernetes.make to targets that it has`,
  );
});

t.test("other forms of the same text are understood", async (t) => {
  const plain = async (what: string, edit: (template: string, node: Node) => void) => {
    const node = newNode(t, "plain");
    edit(node.template, node);
    const { exitCode, stderr } = await node.step("stage");
    t.equal(exitCode, 0, `${what}: ${stderr}`);
  };
  await plain("two targets of one rule", (template) => {
    change(template, "Makefile", /^kubeadm-init:/, "kubeadm-init other : up");
  });
  await plain("a double colon", (template) => {
    change(template, "Makefile", /^up: check-preflight/, "up:: check-preflight");
  });
  await plain("a GNUmakefile that includes the Makefile", (template) => {
    writeFileSync(join(template, "GNUmakefile"), "include Makefile\n");
  });
  await plain("compose's newer name", (template) => {
    renameSync(join(template, "docker-compose.yaml"), join(template, "compose.yaml"));
  });
  await plain("services in one line", (template) => {
    writeFileSync(
      join(template, "docker-compose.yaml"),
      'services: {"x": {}, node: {build: ., volumes: [".:/usernetes"]}}\n',
    );
  });
  await plain("a long volume, quotes, another indent", (template) => {
    writeFileSync(
      join(template, "docker-compose.yaml"),
      `services:
    "other":
        image: x
    'node':
        volumes:
            - type: bind
              target: "/usernetes"
`,
    );
  });
  await plain("variables that a script takes", (template) => {
    for (const file of ["Makefile", "docker-compose.yaml"])
      change(template, file, /NODE_SUBNET/, "SUBNET");
    writeFileSync(join(template, "Makefile.d/subnet.sh"), "SUBNET=$NODE_SUBNET\n");
  });
  await plain("a target that only make knows", (template, node) => {
    change(template, "Makefile", /^up:/, "$(BRING_UP):");
    node.note("make.-n", '[ "$4" = up ]');
  });
});

t.test("similar text is not mistaken for the required text", async (t) => {
  const words = async (edit: (template: string, node: Node) => void) => {
    const node = newNode(t, "plain");
    edit(node.template, node);
    return refusal(t, node);
  };
  t.equal(
    await words((template) => {
      change(template, "Makefile", /^up: check-preflight/, "up := check-preflight");
    }),
    lacksTarget("up", "up"),
    "a variable of that name",
  );
  t.equal(
    await words((template, node) => {
      change(template, "Makefile", /^kubeconfig:/, "config:");
      writeFileSync(join(template, "kubeconfig"), "of a try-out");
      node.note("make.-n", `echo "make: Nothing to be done for 'kubeconfig'."`);
    }),
    lacks("target kubeconfig"),
    "a file of that name",
  );
  t.equal(
    await words((template) => {
      for (const file of ["Makefile", "docker-compose.yaml"]) {
        change(template, file, "NODE_SUBNET", "SUBNET");
        change(template, file, /$/, " # NODE_SUBNET");
      }
    }),
    lacks("variable NODE_SUBNET"),
    "a comment",
  );
  t.equal(
    await words((template) => {
      change(template, "docker-compose.yaml", /^ {2}node:/, "  main:\n    node:");
    }),
    lacks("service node in its compose file"),
    "a key of a service",
  );
});
