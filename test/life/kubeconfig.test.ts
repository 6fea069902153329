/** `flux usernetes kubeconfig` on every node, for the job's user and for the instance owner. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../hosts/until.js";
import { life } from "./life.js";
import { COMMANDS } from "./places.js";

life(async (t, flux) => {
  const env = { FLUX_EXEC_PATH: COMMANDS };
  const kubeconfig = (...args: string[]) =>
    flux.run(["flux", "usernetes", "kubeconfig", ...args], env);
  // The template's bin/kubectl becomes the cluster's own kubectl in the work directory.
  const template = flux.template("played");
  mkdirSync(join(template, "bin"));
  writeFileSync(join(template, "bin/kubectl"), "#!/bin/sh\necho own\n", { mode: 0o755 });
  await flux.startDaemon("--config", flux.table("", { template }));

  await t.test("the cluster's own kubectl is the last on the PATH", async (t) => {
    if (flux.kind === "embedded") {
      t.pass("the shell plugin is Flux's", { skip: "no Lua is run here" });
      return;
    }
    const script = flux.script(
      'echo "${PATH##*:} $USERNETES_WORKDIR"; PATH=${PATH##*:}; kubectl; cd /; command -v kubectl',
    );
    const ask = ["flux", "run", "-N1", "--setattr=attributes.user.usernetes=yes", script];
    const { stdout, stderr } = await flux.run(ask, env);
    const [paths = "", own, found = ""] = stdout.split("\n");
    const [last = "", workdir = ""] = paths.split(" ");
    t.equal(last, `${workdir}/bin`, stderr);
    t.equal(own, "own");
    t.equal(found, `${workdir}/bin/kubectl`);
  });

  await t.test("a task on a node that is not the lead reads the kubeconfig", async (t) => {
    const script = flux.script(`[ "$FLUX_TASK_RANK" = 1 ] || exit 0
[ ! -e "$KUBECONFIG" ] || { echo "this is the lead"; exit 1; }
KUBECONFIG=$(flux usernetes kubeconfig --output "$FLUX_JOB_TMPDIR/kc" "$FLUX_JOB_ID") || exit
export KUBECONFIG
stat -c %a "$KUBECONFIG"
grep -o 'server: .*' "$KUBECONFIG"
kubectl get nodes`);
    const ask = ["flux", "run", "-N2", "-n2", "--setattr=attributes.user.usernetes=yes", script];
    const { stdout, stderr, exitCode } = await flux.run(ask, env);
    t.equal(exitCode, 0, stderr);
    t.match(stdout, /^600\nserver: https:\/\/(?!127\.)[0-9.]+:[0-9]+\n/);
    t.equal(stdout.match(/^u7s-\S+ +Ready/gm)?.length, 2, stdout);
  });

  await t.test("a batch job's script reads the kubeconfig within its instance", async (t) => {
    const go = join(flux.place.common, "batch-seen");
    const script = flux.script(`
job=$(flux getattr jobid)
flux exec -r 1 flux usernetes kubeconfig "$job" >"${go}.new" 2>&1
mv "${go}.new" "${go}"`);
    const setting = "--setattr=attributes.user.usernetes=yes";
    const ask = ["flux", "batch", "-N2", setting, "--output=/dev/null", script];
    const { stdout, stderr } = await flux.run(ask, env);
    await flux.waitForEnd(stdout.trim(), "60s");
    t.match(readFileSync(go, "utf8"), /^ +server: https:\/\/(?!127\.)[0-9.]+:[0-9]+$/m, stderr);
  });

  await t.test("the owner reads the kubeconfig as long as the cluster exists", async (t) => {
    const job = await flux.submit("-N2", "sleep", "60");
    t.match(await kubeconfig(job), {
      exitCode: 1,
      stdout: "",
      stderr: /^flux-usernetes: kubeconfig: .*(is not ready yet|has no cluster)[^\n]*\n$/,
    });
    await flux.waitFor(job, "start");
    const file = join(flux.place.common, "kc");
    // Rank 3 is not one of the job's nodes.
    const ask = ["exec", "-r", "3", "flux", "usernetes", "kubeconfig", "--output", file, job];
    t.match(await flux.run(["flux", ...ask], env), {
      exitCode: 0,
      stdout: `${file}\n`,
      stderr: "",
    });
    t.equal(statSync(file).mode & 0o777, 0o600);
    rmSync(file);
    const id = await flux.output("flux", "job", "id", "--to=dec", job);
    t.match(await kubeconfig(id), { exitCode: 0, stdout: /^ +server: https:\/\/(?!127\.)/m });
    await flux.output("flux", "cancel", job);
    await flux.waitForEnd(job);
    t.match(await kubeconfig(job), { exitCode: 1, stderr: /has been removed\n$/ });
    await until("there are no leftovers", async () => (await flux.leftovers()).length === 0);
  });
});
