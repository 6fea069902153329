/**
 * What stands for kindest/node, from which a real clone of usernetes builds its own
 * image: a layer on the tests' node image with what the clone's Dockerfile, entry
 * point and scripts call.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";
import type { PodmanPlace } from "./places.js";

const HERE = join(PACKAGE, "test/podman/kind");

/** Goes first on a daemon's PATH: a podman that builds on it. */
export const WRAP = join(HERE, "wrap");

export const KIND = "localhost/usernetes-test-kind";

/** Builds it on each of these hosts. */
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
  writeFileSync(join(root, "etc/default/kubelet"), "KUBELET_EXTRA_ARGS=--runtime-cgroups=/x\n");
  withLibraries(root, "/bin/bash");
  // busybox's own would take its own tar and sha256sum before any on the PATH.
  symlinkSync("bash", join(root, "bin/sh"));
}

/** The clone's scripts are bash's; this machine's goes in. */
function withLibraries(root: string, program: string): void {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  const libraries = stdout.match(/\/\S+\.so\S*/g) ?? [];
  for (const file of [program, ...libraries]) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    cpSync(file, join(root, file), { dereference: true });
    chmodSync(join(root, file), 0o755);
  }
}
