/**
 * Builds a stand-in for kindest/node, the base image of a real clone of usernetes. It is a layer on
 * the tests' node image, with the programs that the clone's Dockerfile, entry point and scripts
 * call.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";
import type { PodmanPlace } from "./places.js";

const HERE = join(PACKAGE, "test/podman/kind");

/** To be put first on a daemon's PATH: the podman here builds on the stand-in. */
export const WRAP = join(HERE, "wrap");

export const KIND = "localhost/usernetes-test-kind";

/** Builds the stand-in image on each of these hosts. */
export async function buildKind({ hosts, common }: PodmanPlace, ranks: number[]): Promise<void> {
  const context = join(common, "kind");
  gather(context);
  await Promise.all(
    ranks.map(async (rank) => {
      const argv = ["build", "-q", "-t", KIND, context];
      const { exitCode, stderr } = await hosts.podman(rank, ...argv);
      if (exitCode !== 0) throw new Error(stderr);
    }),
  );
}

function gather(context: string): void {
  const root = join(context, "root");
  mkdirSync(join(root, "etc/default"), { recursive: true });
  mkdirSync(join(root, "sbin"));
  cpSync(join(HERE, "Containerfile"), join(context, "Containerfile"));
  cpSync(join(HERE, "bin"), join(root, "usr/local/bin"), { recursive: true });
  renameSync(join(root, "usr/local/bin/node-init"), join(root, "sbin/init"));
  // The real image of dranet has its program at this path.
  renameSync(join(root, "usr/local/bin/dranet"), join(root, "dranet"));
  mkdirSync(join(root, "etc/containerd"));
  writeFileSync(join(root, "etc/containerd/config.toml"), "version = 2\n");
  writeFileSync(join(root, "etc/default/kubelet"), "KUBELET_EXTRA_ARGS=--runtime-cgroups=/x\n");
  cpSync(join(HERE, "fetched"), join(root, "usr/share/fetched"), { recursive: true });
  archiveYq(join(root, "usr/share/fetched"));
  cpSync(join(HERE, "www"), join(root, "usr/share/kube/health"), { recursive: true });
  withLibraries(root, "/bin/bash", "/bin/bash");
  // The ip of busybox cannot make a VXLAN.
  for (const name of ["ip", "bridge"]) withLibraries(root, `/sbin/${name}`, `/usr/bin/${name}`);
  // The shell of busybox would prefer its own tar and sha256sum to those on the PATH.
  symlinkSync("bash", join(root, "bin/sh"));
}

/** Archives yq as mikefarah/yq is published: the program has the name of the archive. */
function archiveYq(fetched: string): void {
  const name = "yq_linux_amd64";
  spawnSync("tar", ["-czf", `${name}.tar.gz`, name], { cwd: fetched });
}

/** Copies a program of this machine, with the libraries that it needs. */
function withLibraries(root: string, program: string, at: string): void {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  const libraries = (stdout.match(/\/\S+\.so\S*/g) ?? []).map((path) => [path, path]);
  for (const [file = "", to = ""] of [[program, at], ...libraries]) {
    mkdirSync(join(root, dirname(to)), { recursive: true });
    cpSync(file, join(root, to), { dereference: true });
    chmodSync(join(root, to), 0o755);
  }
}
