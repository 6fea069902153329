/** The checks of the storage of engines, of the kernel, and of the memlock limit. */
import { appendFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { asked, files, newNode, type Node } from "./node.js";

const askedOfKernel = (node: Node) =>
  asked(node, "kernel", {}, { scripts: files("begin", "kernel", "end") });

t.test("storage of an engine on a network file system is reported", async (t) => {
  const node = newNode(t);
  node.program("stat", 'case "$*" in *home*) echo "$KIND" ;; *) echo tmpfs ;; esac');
  node.engine("podman", "5.2.0", "1.0.6");
  t.equal(await asked(node, "storage-docker"), undefined, "it is not known");
  const home = { FAKE_STORAGE: "/home/alice/docker", KIND: "nfs" };
  t.equal(
    await asked(node, "storage-docker", home),
    "no the storage of docker, /home/alice/docker, is on nfs",
  );
  t.equal(await asked(node, "storage-docker", { FAKE_STORAGE: "/var/x" }), "ok /var/x (tmpfs)");
  const podman = { USERNETES_ENGINES: "podman", FAKE_STORAGE: "/home/x", KIND: "afs" };
  t.equal(
    await asked(node, "storage-podman", podman),
    "no the storage of podman, /home/x, is on afs",
  );
});

t.test("file systems of a network are known by the names that stat prints", async (t) => {
  const node = newNode(t);
  node.program("stat", 'for name; do :; done; echo "$name"');
  const remote = "nfs nfs4 lustre gpfs ceph cifs smb2 fuseblk afs k-afs panfs fhgfs v9fs snfs coda";
  const local = "xfs ext2/ext3 overlayfs tmpfs zfs btrfs";
  const after = `for kind in ${remote} ibrix ${local}; do
  if is_local "$kind"; then report "$kind" ok; else report "$kind" no; fi
done\n`;
  const reports = await node.reports({}, { scripts: files("begin"), after });
  for (const kind of [...remote.split(" "), "ibrix"]) t.equal(reports[kind], "no", kind);
  for (const kind of local.split(" ")) t.equal(reports[kind], "ok", kind);
});

t.test("storage of nerdctl is searched where containerd has it", async (t) => {
  const node = newNode(t);
  node.engine("nerdctl", "2.0.0", "2.0.0");
  const env = { USERNETES_ENGINES: "nerdctl", USERNETES_COMPOSE_nerdctl: "nerdctl compose" };
  const ask = (more = {}) => asked(node, "storage-nerdctl", { ...env, ...more });
  t.equal(await ask(), undefined, "no such directory exists");
  node.write(".local/share/containerd/x", "");
  node.write("data/containerd/x", "");
  node.program("stat", 'case "$*" in */data/*) echo tmpfs ;; *) echo nfs ;; esac');
  const place = node.at(".local/share/containerd");
  t.equal(await ask(), `no the storage of nerdctl, ${place}, is on nfs`);
  const elsewhere = node.at("data");
  t.equal(await ask({ XDG_DATA_HOME: elsewhere }), `ok ${elsewhere}/containerd (tmpfs)`);
});

t.test("a file system that does not answer is not taken for a local one", async (t) => {
  const node = newNode(t);
  node.program("stat", "exec /usr/bin/sleep 300");
  node.program("timeout", `shift 3; exec /usr/bin/timeout -k 1 0.2 "$@"`);
  t.equal(
    await asked(node, "storage-docker", { FAKE_STORAGE: "/var/x" }),
    "no the storage of docker, /var/x, is on a file system that did not answer within 15 s",
  );
});

t.test("an old kernel is reported, unless the template ignores that", async (t) => {
  const node = newNode(t);
  for (const [release, is] of [
    ["6.1.0-13-amd64", "ok"],
    ["5.15.0-1.el9", "ok"],
    ["5.10.0-28-amd64", "ok"],
    ["5.4.0", "ok"],
    ["10.0.1", "ok"],
    ["4.18.0-553.el8", "no"],
    ["3.10.0-1160.el7", "no"],
    ["5.14.0-427.el9", "no"],
    ["5.40.1", "no"],
  ]) {
    node.program("uname", `echo ${release ?? ""}`);
    t.match(await askedOfKernel(node), new RegExp(`^${is ?? ""} `), release ?? "");
  }
});

t.test("a template that ignores the check of the kernel is recognised", async (t) => {
  for (const [file, text, is] of [
    ["Makefile", "x:\n\tkubeadm init --ignore-preflight-errors all\n", "ok"],
    ["Makefile", "x:\n\tkubeadm init --ignore-preflight-errors=Swap,SystemVerification\n", "ok"],
    ["Makefile", "x:\n\tkubeadm init --ignore-preflight-errors=Swap\n", "no"],
    ["kubeadm-config.yaml", "  ignorePreflightErrors:\n    - SystemVerification\n", "ok"],
    ["kubeadm-config.yaml", "  ignorePreflightErrors:\n  - Swap\nx:\n  - all\n", "no"],
  ] as const) {
    const node = newNode(t);
    node.program("uname", "echo 4.18.0");
    appendFileSync(join(node.env["USERNETES_TEMPLATE"] ?? "", file), text);
    const report = await askedOfKernel(node);
    if (is === "ok") t.match(report, /^ok 4\.18\.0; the template ignores errors/, text);
    else t.match(report, /^no the kernel is 4\.18\.0; .* accepts 5\.4, 5\.10, 5\.15 and 6/, text);
  }
});

t.test("a memlock limit matters if the node has an InfiniBand device", async (t) => {
  const node = newNode(t);
  // The soft limit counts.
  const how = { before: "ulimit -S -l 64\n" };
  t.equal(await asked(node, "memlock", {}, how), "ok 64 KiB; there is no InfiniBand device");
  node.write("top/sys/class/infiniband/mlx5_0/x", "");
  t.equal(
    await asked(node, "memlock", {}, how),
    "no the memlock limit is 64 KiB, and there is an InfiniBand device: mlx5_0",
  );
});

t.test("the memlock limit of a container counts, if one could be started", async (t) => {
  const node = newNode(t);
  for (const name of ["sleep", "tar", "ldd"])
    symlinkSync(`/usr/bin/${name}`, node.at(`bin/${name}`));
  node.write("top/sys/class/infiniband/mlx5_0/x", "");
  const engine = (limit: string) => `case "$1 $2" in
  "info --format") echo '[name=rootless]' ;;
  "import -") tar -tf - >/dev/null ;;
  "exec "*) case "$*" in *" /proc/self/limits")
    echo "Max locked memory         ${limit}               unlimited            bytes" ;; esac ;;
esac`;
  node.program("docker", engine("$LIMIT"));
  node.program("podman", engine("65536"));
  const env = { USERNETES_ENGINES: "docker podman" }; // the first is the site's default
  t.equal(
    await asked(node, "memlock", { ...env, LIMIT: "8388608" }),
    "no the memlock limit of docker's containers is 8192 KiB, and there is an InfiniBand device: mlx5_0",
  );
  t.equal(await asked(node, "memlock", { ...env, LIMIT: "unlimited" }), "ok unlimited");
});
