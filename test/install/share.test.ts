/** The manual pages, the completion and the help texts work after install. */
import { execa } from "execa";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { missing } from "../build/manual/rendered.js";

// The directory of tap's tests has a dot in its path, which this directory must not have.
const prefix = mkdtempSync(join(tmpdir(), "usernetes-share-"));
t.teardown(() => {
  rmSync(prefix, { recursive: true, force: true });
});
const roots = ["--flux-root", join(prefix, "etc/flux"), "--prefix", prefix];
const env = {
  ...{ PATH: `${prefix}/bin:${process.env["PATH"] ?? ""}`, NODE_OPTIONS: "", MANPATH: "" },
  ...{ MANPAGER: "cat", MANWIDTH: "80", LC_ALL: "C.UTF-8" },
  // A Flux that was built without manual pages refuses to search for any.
  FLUX_IGNORE_NO_DOCS: "1",
};
const run = (command: string, ...args: string[]) => execa(command, args, { env, reject: false });

t.before(async () => {
  await execa(packagePath("bin/flux-usernetes"), ["install", ...roots], { env });
});

t.test("man finds the pages through the PATH alone", { skip: await missing("man") }, async (t) => {
  for (const [page, name] of [
    ["flux-usernetes", "flux-usernetes - user-space Kubernetes in Flux jobs"],
    ["usernetes", "usernetes - find a job's Kubernetes cluster"],
    ["flux-config-usernetes", "flux-config-usernetes - configure user-space Kubernetes"],
  ] as const) {
    const { stdout, stderr } = await run("man", page);
    t.match(stdout, name, stderr);
  }
});

t.test("bash-completion finds the completions below share", (t) => {
  for (const name of ["flux-usernetes", "usernetes"])
    t.ok(existsSync(join(prefix, "share/bash-completion/completions", name)));
  t.end();
});

const noFlux = (await missing("man")) || (await missing("flux"));
t.test(
  "flux help usernetes shows the page, and flux help lists it",
  { skip: noFlux },
  async (t) => {
    t.match((await run("flux", "help", "usernetes")).stdout, "NAME\n       flux-usernetes - ");
    const { stderr } = await execa("flux", ["help"], {
      env: { ...env, FLUX_CMDHELP_PATTERN: join(prefix, "share/flux/help.d/*.json") },
      reject: false,
    });
    t.match(stderr, /\n {3}usernetes +user-space Kubernetes in Flux jobs\n/);
  },
);
