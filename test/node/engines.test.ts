/**
 * The calls of each container engine, word for word. The tests cannot run docker or nerdctl: their
 * calls, and the names that they give to resources, follow their manuals (docs/admin/engines.md).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { MARKER, Node, OWN, PROJECT } from "../fakes/node.js";

/** The names that each engine gives to the container and the image of the service `node`. */
const NAMES = {
  docker: { container: `${PROJECT}-node-1`, image: `${PROJECT}-node:latest` },
  podman: { container: `${PROJECT}_node_1`, image: `localhost/${PROJECT}_node:latest` },
  nerdctl: { container: `${PROJECT}-node-1`, image: `${PROJECT}-node:latest` },
};

const LABEL = `--filter label=com.docker.compose.project=${PROJECT}`;
/** The calls that list the resources of a cluster. They run at the same time. */
const listing = (engine: string) => [
  "image ls --format {{.Repository}}:{{.Tag}}",
  "network ls --format {{.Name}}",
  ...(engine === "podman" ? ["pod ls --format {{.Name}}"] : []),
  `ps -a ${LABEL} --format {{.Names}}`,
  "volume ls --format {{.Name}}",
];

for (const [engine, { container, image }] of Object.entries(NAMES)) {
  const open = (t: { teardown(act: () => void): unknown }) => {
    const node = new Node();
    t.teardown(() => {
      node.remove();
    });
    if (engine !== "docker") node.program(engine, 'exec docker "$@"');
    node.env["USERNETES_ENGINE"] = engine;
    node.staged();
    node.note("container", `${container}\n`);
    return node;
  };

  t.test(
    `up with ${engine} checks whether the node's container runs and is ready for kubeadm`,
    async (t) => {
      const node = open(t);
      node.note("in-container", 'echo "usernetes: ready"');
      t.equal((await node.step("up")).exitCode, 0);
      t.strictSame(node.noted("engine"), [
        `ps -q ${LABEL} --filter label=com.docker.compose.service=node`,
        `ps --format {{.Names}} ${LABEL} --filter label=com.docker.compose.service=node`,
        `exec -i ${container} sh -s 120`,
      ]);
    },
  );

  t.test(`kubectl and kubeadm run in the container of ${engine}`, async (t) => {
    const node = open(t);
    node.note("in-container", 'echo "node/u7s-a condition met"');
    const env = { USERNETES_SCHEDULE_ON_LEAD: "no" };
    for (const step of ["wait-nodes", "delete-token"] as const)
      t.equal((await node.step(step, env)).exitCode, 0, step);
    const execs = node.noted("engine").filter((line) => line.startsWith("exec "));
    t.equal(
      execs[0],
      `exec ${container} kubectl wait --for=condition=Ready nodes --all --timeout=10s`,
    );
    t.match(execs[1], `exec ${container} kubeadm token list -o jsonpath={.token}`);
  });

  t.test(
    `down-v with ${engine} removes what has the cluster's names, and nothing else`,
    async (t) => {
      const node = open(t);
      mkdirSync(join(node.workdir, ".usernetes"), { recursive: true });
      writeFileSync(join(node.workdir, ".usernetes/owner"), `${MARKER}\n`);
      writeFileSync(join(node.workdir, `${OWN}/up.with`), "");
      node.note("network", `bridge\n${PROJECT}_default\n${PROJECT}0_default\n`);
      node.note("volume", `${PROJECT}_node-var\nx\n`);
      node.note("image", `${image}\ndocker.io/kindest/node:v1\n${PROJECT}0-node:latest\n`);
      const { exitCode, stderr } = await node.step("down-v");
      t.equal(exitCode, 0, stderr);
      const [running, stopped, ...asked] = node.noted("engine");
      t.equal(running, `ps ${LABEL} --format {{.Names}}`);
      t.equal(stopped, `stop -t 0 ${container}`);
      const first = listing(engine).length;
      t.strictSame(asked.slice(0, first).sort(), listing(engine));
      t.strictSame(asked.slice(first, first + 4), [
        `rm -f -v ${container}`,
        `network rm ${PROJECT}_default`,
        `volume rm ${PROJECT}_node-var`,
        `image rm ${image}`,
      ]);
      t.strictSame(asked.slice(first + 4).sort(), listing(engine), "all kinds, once more");
    },
  );
}

t.test("an engine that writes its lines in pieces is understood", async (t) => {
  const node = new Node();
  t.teardown(() => {
    node.remove();
  });
  node.staged();
  node.note("engine.dawdles", "");
  node.note("container", `${PROJECT}-node-1\n`);
  node.note("network", `a\n${PROJECT}_default\n`);
  node.note("volume", `${PROJECT}_node-var\nb\n${PROJECT}_node-etc\n`);
  node.note("image", `c\nd\n${PROJECT}-node:latest\n`);
  t.equal((await node.step("down-v")).exitCode, 0);
  t.strictSame(
    node.noted("engine").filter((line) => /\brm\b/.test(line)),
    [
      `rm -f -v ${PROJECT}-node-1`,
      `network rm ${PROJECT}_default`,
      ...["var", "etc"].map((name) => `volume rm ${PROJECT}_node-${name}`),
      `image rm ${PROJECT}-node:latest`,
    ],
  );
});

t.test("podman removes the pod of a newer podman-compose first", async (t) => {
  const node = new Node();
  t.teardown(() => {
    node.remove();
  });
  node.staged();
  node.env["USERNETES_ENGINE"] = "podman";
  node.note("pod", `pod_${PROJECT}\npod_${PROJECT}0\n`);
  const pods = `case "$1 $2" in "pod ls") cat "$NOTES/pod" ;; "pod rm") : >"$NOTES/pod" ;; esac`;
  node.program("podman", `${pods}\nexec docker "$@"`);
  t.equal((await node.step("down-v")).exitCode, 0);
  t.strictSame(
    node.noted("engine").filter((line) => line.includes(" rm ")),
    [`pod rm -f pod_${PROJECT}`],
  );
});
