/** An instance that uses only the files of this package that `install` put into a tree. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { packagePath } from "../../lib/host/package.js";
import { started } from "./started.js";

started(async (t, start, folder) => {
  const etc = join(folder, "tree/etc/flux");
  const prefix = join(folder, "tree/usr/local");
  execFileSync(packagePath("bin/flux-usernetes"), [
    ...["install", "--flux-root", etc, "--prefix", prefix],
  ]);
  const flux = await start({
    commands: [join(prefix, "bin")],
    env: { FLUX_RC_EXTRA: etc },
  });

  await t.test("rc1.d starts the daemon, and flux finds its subcommand", async (t) => {
    t.match(await flux.run(["flux", "usernetes", "ping"]), {
      exitCode: 0,
      stdout: /^the daemon answers/,
    });
    t.match(await flux.run(["flux", "exec", "-r1", "flux", "usernetes", "ping"]), { exitCode: 0 });
  });

  await t.test("a job has its cluster and the command that finds it", async (t) => {
    const { stdout, stderr } = await flux.run([
      ...["flux", "run", "-N2", "--setattr=attributes.user.usernetes=yes"],
      ...["usernetes", "attr", "kubeconfig"],
    ]);
    t.match(stdout, /^(\/.*\/usernetes-ƒ[^/]*\/kubeconfig\n){2}$/, stderr);
  });
});
