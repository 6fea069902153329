/** The agent imports the image archives of a site into a node's containerd. */
import { execa } from "execa";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { imageArchive } from "../fakes/archives.js";
import { newNode, OWN, type Node } from "../fakes/node.js";

/** A stand-in for a node's container. It logs the arguments of ctr and the size of its input. */
const CONTAINER = `case "$1" in
  containerd) echo "  snapshotter = 'fuse-overlayfs'" ;;
  ctr) [ ! -e "$NOTES/ctr.fails" ] || { echo "ctr: no such snapshotter"; exit 1; }
    shift; echo "$* $(cat | wc -c)" >>"$NOTES/ctr" ;;
esac`;

function nodeWith(t: Parameters<typeof newNode>[0], archives: Record<string, Buffer>): Node {
  const node = newNode(t);
  node.staged();
  const images = join(node.directory, "images");
  mkdirSync(images);
  for (const [name, data] of Object.entries(archives)) writeFileSync(join(images, name), data);
  node.env["USERNETES_IMAGES"] = images;
  writeFileSync(join(node.workdir, OWN, "up.done"), "the-container\n");
  node.note("in-container", CONTAINER);
  return node;
}

const FLANNEL = imageArchive("ghcr.io/flannel-io/flannel:v0.26");
const PAUSE = imageArchive("registry.k8s.io/pause:3.10");
const IMPORT = "-n k8s.io images import --snapshotter fuse-overlayfs -";

t.test("the functions that read archives pass their unit tests", async (t) => {
  const args = ["-m", "unittest", "images_test"];
  const { exitCode, all } = await execa("/usr/bin/python3", args, {
    cwd: packagePath("test", "node"),
    env: { PYTHONDONTWRITEBYTECODE: "1" },
    reject: false,
    all: true,
  });
  t.equal(exitCode, 0, all);
  t.match(all, /Ran 1[0-9] tests/);
});

t.test("the functions that read archives have the syntax of Python 3.6", async (t) => {
  const check = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 6))";
  const args = ["-c", check, packagePath("lib", "node", "steps", "parts", "images.py")];
  t.equal((await execa("/usr/bin/python3", args, { reject: false })).exitCode, 0);
});

t.test("a worker gets all archives before it joins", async (t) => {
  const node = nodeWith(t, {
    "a.tar": FLANNEL,
    "b.tgz": gzipSync(PAUSE),
    README: Buffer.from("x"),
  });
  node.env["USERNETES_LEAD"] = "1";
  const [wait, , end] = await node.call("load-images");
  t.equal(wait, "progress load-images: a.tar (1 of 2)");
  t.match(end, /^load-images: ok: .*a\.tar: loaded .*b\.tgz: loaded$/);
  t.strictSame(node.noted("ctr"), [
    `${IMPORT} ${FLANNEL.length}`,
    `${IMPORT} ${gzipSync(PAUSE).length}`,
  ]);
  t.match(node.noted("engine"), [/^exec -i the-container containerd config dump$/]);
});

t.test("the lead gets what kubeadm would pull first, and the other archives later", async (t) => {
  const node = nodeWith(t, { "a.tar": FLANNEL, "b.tar": PAUSE });
  t.match((await node.call("load-images")).at(-1), /: ok: .*b\.tar: loaded$/);
  t.equal(node.noted("ctr").length, 1);
  t.match((await node.call("load-pod-images")).at(-1), /: ok: .*a\.tar: loaded$/);
  t.equal(node.noted("ctr").length, 2);
});

t.test("an imported archive is imported again only after a change", async (t) => {
  const node = nodeWith(t, { "b.tar": PAUSE });
  await node.call("load-images");
  t.match((await node.call("load-images")).at(-1), /: ok: .*b\.tar: loaded before$/);
  writeFileSync(join(node.env["USERNETES_IMAGES"] ?? "", "b.tar"), imageArchive("x/pause:4"));
  await node.call("load-images");
  t.equal(node.noted("ctr").length, 2);
});

t.test("an incomplete archive fails the step by its name, and nothing is imported", async (t) => {
  const node = nodeWith(t, { "a.tar": PAUSE, "b.tar": FLANNEL.subarray(0, 20_000) });
  const half = join(node.env["USERNETES_IMAGES"] ?? "", "b.tar");
  t.strictSame(await node.call("load-images"), [
    `load-images: failed 1: ${half} is an incomplete image archive (OCI or docker): unexpected end of data; copy it again (usernetes.images)`,
  ]);
  t.strictSame(node.noted("ctr"), []);
});

t.test("an archive that containerd refuses fails the step with its message", async (t) => {
  const node = nodeWith(t, { "a.tar": PAUSE });
  node.note("ctr.fails", "");
  const end = (await node.call("load-images")).at(-1);
  t.match(
    end,
    /containerd does not import the image archive \S+\/a\.tar: ctr: no such snapshotter$/,
  );
});

t.test("stage names a missing directory", async (t) => {
  const node = newNode(t);
  const { exitCode, stderr } = await node.step("stage", { USERNETES_IMAGES: "/opt/none" });
  t.equal(exitCode, 1);
  t.match(
    stderr,
    /^the image directory \/opt\/none \(usernetes\.images\) is not on this node, or /,
  );
});

t.test("archives are reported without a cluster, too", async (t) => {
  const node = nodeWith(t, { "a.tar": FLANNEL, "c.tar.zst": Buffer.from("28b52ffd0000", "hex") });
  const script = await import("../../lib/node/scripts.js").then((all) =>
    all.stepScript("load-images"),
  );
  const agent = node.agent();
  const request = node.stepsRequest([]) as { steps: unknown[] };
  agent.send({
    ...request,
    steps: [{ step: "list-images", seconds: 9, script, python: true }],
  } as never);
  agent.send({ do: "end" });
  t.strictSame((await agent.ended).reports.slice(1, 3), [
    "progress list-images: a.tar: ghcr.io/flannel-io/flannel:v0.26",
    "progress list-images: c.tar.zst (images not read)",
  ]);
});
