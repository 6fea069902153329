/** How a node builds its image ahead of time: the commands of its engine, and its output. */
import { execa } from "execa";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { composeCommand, ENGINES, type EngineName } from "../../lib/usernetes/engine.js";
import { script, settings } from "../../lib/warm/warm.js";

const COMPOSE = `name: x
services:
  node:
    build:
      context: .
      args:
        image: nothing
    image: named
  other:
    image: "example.org/other:1"
    labels:
      image: nothing
networks:
  image: nothing
`;

/** A node whose engine is a script that logs its calls. It has image 1, and it builds image 2. */
class Node {
  readonly directory = mkdtempSync(join(tmpdir(), "usernetes-warm-"));
  private readonly calls = join(this.directory, "calls");

  constructor(
    private readonly engine: EngineName,
    answers: string,
  ) {
    for (const name of ["bin", "template"]) mkdirSync(join(this.directory, name));
    this.write("template/Makefile", "");
    this.write("template/docker-compose.yaml", COMPOSE);
    this.write("calls", "");
    const name = '"$(basename "$0") $*"';
    const engine_ = `#!/bin/sh
echo ${name} >>${this.calls}
built() { grep -qE "(compose .*build|pull)" ${this.calls}; }
${answers}
case ${name} in
  *" config") cat docker-compose.yaml ;;
  *" -q --no-trunc") echo sha256:1; if built; then echo sha256:2; fi ;;
  *" image ls"*) if built; then echo localhost/usernetes_warm_node 2; else echo usernetes_warm-node 1; fi ;;
esac`;
    for (const program of [engine, `${engine}-compose`]) this.write(`bin/${program}`, engine_);
    // This stand-in for make calls compose as the Makefile does. make may not be installed.
    const make = '#!/bin/sh\ncase $* in *"config"*) w=config ;; *) w=build ;; esac\n$COMPOSE $w';
    this.write("bin/make", `${make} || exit 2`);
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.directory, path), text, { mode: 0o755 });
  }

  async warms() {
    const PATH = `${this.directory}/bin:${process.env["PATH"] ?? ""}`;
    const wanted = { ranks: [0], base: { PATH }, site: {}, userid: undefined, limitS: 9 };
    const env = settings({
      ...wanted,
      template: `${this.directory}/template`,
      engine: this.engine,
    });
    const options = { env, extendEnv: false, reject: false, all: true } as const;
    const { exitCode, all } = await execa("sh", ["-c", script()], options);
    const calls = readFileSync(this.calls, "utf8").trimEnd().split("\n");
    return { exitCode, last: all.split("\n").at(-1), all, calls };
  }
}

function newNode(
  t: { teardown(act: () => void): unknown },
  engine: EngineName = "docker",
  answers = "",
) {
  const node = new Node(engine, answers);
  t.teardown(() => {
    rmSync(node.directory, { recursive: true, force: true });
  });
  return node;
}

t.test("images are built or pulled, and the previous image is removed", async (t) => {
  for (const engine of ENGINES) {
    const { exitCode, last, calls } = await newNode(t, engine).warms();
    t.strictSame({ exitCode, last }, { exitCode: 0, last: "made" });
    const compose = composeCommand(engine, "usernetes_warm");
    const list = `${engine} image ls -q --no-trunc`;
    const names = `${engine} image ls --no-trunc --format {{.Repository}} {{.ID}}`;
    t.strictSame(calls, [
      ...[`${compose} config`, list, names],
      ...[`${compose} build`, `${engine} pull example.org/other:1`],
      ...[names, names, `${engine} image rm 1`, list].filter((_, i) => i !== 1),
    ]);
  }
});

t.test("nothing is removed if nothing is new", async (t) => {
  const { exitCode, last, calls } = await newNode(t, "docker", "built() { false; }").warms();
  t.strictSame({ exitCode, last }, { exitCode: 0, last: "already" });
  t.notMatch(calls.join("\n"), " rm ");
});

t.test("an image that a cluster still runs on stays, and that is not a failure", async (t) => {
  const { exitCode, all } = await newNode(
    t,
    "docker",
    'case "$*" in "image rm"*) echo "in use" >&2; exit 1 ;; esac',
  ).warms();
  t.equal(exitCode, 0);
  t.match(all, /in use\nthe earlier image is kept, a cluster uses it: 1\nmade$/);
});

t.test("a failed build is a failure, even if podman-compose exits with 0", async (t) => {
  const printed = 'echo "Error: no network"; echo "exit code: 125"; exit 0';
  const faults: [EngineName, string][] = [
    ["docker", 'case "$*" in *build) echo "no network" >&2; exit 17 ;; esac'],
    ["podman", `case "$*" in *build) ${printed} ;; esac`],
    ["nerdctl", 'case "$*" in pull* | "image inspect"*) echo "no network" >&2; exit 1 ;; esac'],
    ["docker", 'case "$*" in *config) echo "no network" >&2; exit 1 ;; esac'],
    ["docker", 'case "$*" in "image ls -q"*) echo "no network" >&2; exit 1 ;; esac'],
  ];
  for (const [engine, answers] of faults) {
    const { exitCode, all, calls } = await newNode(t, engine, answers).warms();
    t.not(exitCode, 0, answers);
    t.match(all, "no network");
    t.notMatch(calls.join("\n"), " rm ");
  }
});

t.test("an image that cannot be pulled but is in the engine was loaded there", async (t) => {
  const answers = 'case "$*" in pull*) echo "no network" >&2; exit 1 ;; esac';
  const { exitCode } = await newNode(t, "nerdctl", answers).warms();
  t.equal(exitCode, 0);
});

t.test("a template without a Makefile, or without an image, is reported", async (t) => {
  const none = newNode(t);
  rmSync(join(none.directory, "template/Makefile"));
  t.match(await none.warms(), { exitCode: 1, last: /template does not exist or has no Makefile$/ });
  const empty = newNode(t);
  empty.write("template/docker-compose.yaml", "services:\n  node:\n    hostname: x\n");
  t.match(await empty.warms(), { exitCode: 1, last: /has neither build: nor image:$/ });
});

t.test("a target warm of the template builds the image", async (t) => {
  const node = newNode(t);
  node.write("template/Makefile", "up:\nwarm: build\n");
  node.write("bin/make", `#!/bin/sh\necho "make $*" >>"${join(node.directory, "calls")}"`);
  const { exitCode, last, calls } = await node.warms();
  const list = "docker image ls -q --no-trunc";
  t.strictSame(
    { exitCode, last, calls },
    { exitCode: 0, last: "already", calls: [list, "make warm", list] },
  );
});
