/** Jobs inside a batch job or an allocation use its cluster. */
import { join } from "node:path";
import { life } from "./life.js";

const ASKS = "--setattr=attributes.user.usernetes=yes";
const NO_ENV = "env -u KUBECONFIG -u USERNETES_WORKDIR";

/** Prints one line: $1, and where a task finds its cluster's kubeconfig and work directory. */
const TELL = `echo "$1 $KUBECONFIG $(usernetes attr kubeconfig) $USERNETES_WORKDIR"`;
const FORGOT = `unset KUBECONFIG USERNETES_WORKDIR; echo "$1 $(usernetes attr kubeconfig)"`;

life(async (t, flux) => {
  await flux.startDaemon();
  const report = flux.script(TELL);
  const forgot = flux.script(FORGOT);
  // Loads the shell plugin in nested instances, as the shells of an installed Flux do.
  const options =
    flux.kind === "embedded"
      ? []
      : [
          `--broker-opts=--setattr=conf.shell_initrc=${await flux.output("flux", "getattr", "conf.shell_initrc")}`,
        ];
  const file = (name: string) => join(flux.place.common, name);

  /** A batch script that runs `lines`, and then `inner` as a batch job with the options `more`. */
  const around = (lines: string, inner: string, more: string) =>
    flux.script(`${lines}
job=$(flux batch -N2 ${options.join(" ")} ${more} --output=${file("inner.out")} ${inner})
flux job wait-event -t 30 $job clean >/dev/null; cat ${file("inner.out")}`);

  const play = async (script: string): Promise<{ text: string; kubeconfig: string }> => {
    const out = file("outer.out");
    const job = await flux.output(
      "flux",
      "batch",
      ...options,
      "-N2",
      ASKS,
      `--output=${out}`,
      script,
    );
    await flux.waitForEnd(job);
    const kubeconfig = join(flux.place.base, `usernetes-${job.toLowerCase()}`, "kubeconfig");
    return { text: await flux.output("cat", out), kubeconfig };
  };

  for (const [asking, again] of [
    ["without a request of its own", ""],
    ["with a request at each level", ASKS],
  ] as const)
    await t.test(`a job two levels down uses the same cluster, ${asking}`, async (t) => {
      const before = flux.startedSteps().filter((step) => step.endsWith(" up")).length;
      const inner = flux.script(`${report} inner
flux run -N2 -n2 ${again} ${report} job
flux run -N1 ${again} ${forgot} by-attr`);
      const { text, kubeconfig } = await play(around(`${report} outer`, inner, again));
      const reported = `${kubeconfig} ${kubeconfig} ${kubeconfig.replace(/\/kubeconfig$/, "")}`;
      const expected = ["outer", "inner", "job", "job"].map((who) => `${who} ${reported}`);
      t.same(text.split("\n"), [...expected, `by-attr ${kubeconfig}`]);
      const ups = flux.startedSteps().filter((step) => step.endsWith(" up")).length;
      t.equal(ups - before, 2, "and it is brought up once");
    });

  await t.test("a job that asks finds the cluster in a cleared environment, too", async (t) => {
    const inner = flux.script(`
${forgot} inner
${NO_ENV} flux run -N1 ${ASKS} ${report} asks
KUBECONFIG=/elsewhere USERNETES_WORKDIR=/elsewhere flux run -N1 ${ASKS} ${report} elsewhere
${NO_ENV} flux run -N1 ${forgot} by-attr
${NO_ENV} flux run -N1 sh -c 'echo "without [$KUBECONFIG]"'`);
    const outer = around("unset KUBECONFIG USERNETES_WORKDIR", inner, "");
    const { text, kubeconfig } = await play(outer);
    const reports = `${kubeconfig} ${kubeconfig} ${kubeconfig.replace(/\/kubeconfig$/, "")}`;
    t.same(text.split("\n"), [
      ...[`inner ${kubeconfig}`, `asks ${reports}`, `elsewhere ${reports}`],
      ...[`by-attr ${kubeconfig}`, "without []"],
    ]);
  });

  await t.test(
    "a job that asks fails with the reason if no enclosing instance has a cluster",
    async (t) => {
      const out = file("none.out");
      const script = flux.script(`flux run -N1 ${ASKS} true; echo "status $?"`);
      const job = await flux.output("flux", "batch", ...options, "-N1", `--output=${out}`, script);
      await flux.waitForEnd(job);
      t.match(await flux.output("cat", out), /no flux-usernetes daemon is running[^]*status 1$/);
    },
  );

  await t.test("an allocation has a cluster, and so has a job from outside", async (t) => {
    // The embedded Flux has no flux-alloc.
    if (flux.kind === "embedded") return;
    const local = ["env", "FLUX_URI_RESOLVE_LOCAL=t", "flux"];
    const job = await flux.output(...local, "alloc", ...options, "--bg", "-N2", ASKS);
    const kubeconfig = join(flux.place.base, `usernetes-${job.toLowerCase()}`, "kubeconfig");
    const run = [...local, "proxy", job, "flux", "run", "-N1"];
    t.match(await flux.output(...run, ASKS, report, "asks"), `asks ${kubeconfig} ${kubeconfig}`);
    t.equal(await flux.output(...run, forgot, "by-attr"), `by-attr ${kubeconfig}`);
    await flux.output("flux", "cancel", job);
    await flux.waitForEnd(job);
  });

  t.same(await flux.leftovers(), []);
});
