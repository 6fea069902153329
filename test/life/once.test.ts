/** `flux usernetes once` in the tasks of a job. */
import { until } from "../hosts/until.js";
import { join } from "node:path";
import { COMMANDS } from "./places.js";
import { life } from "./life.js";

life(async (t, flux) => {
  // flux finds its subcommands here, as in an installed package.
  const env = { FLUX_EXEC_PATH: COMMANDS };
  const run = (script: string, ...args: string[]) =>
    flux.run(["flux", "run", ...args, flux.script(script)], env);
  const many = ["-N4", "-n8"];

  await t.test(
    "the first task runs the command; the others wait silently and exit the same way",
    async (t) => {
      const script = `
flux usernetes once -- sh -c 'sleep 0.3; echo "out $FLUX_TASK_RANK"; echo err >&2; exit 3'
echo "status $?"`;
      const { stdout, stderr } = await run(script, ...many);
      t.same(stdout.split("\n").toSorted(), ["", "out 0", ...Array<string>(8).fill("status 3")]);
      t.equal(stderr.match(/err/g)?.length, 1);
      const { exitCode } = await flux.run(
        ["flux", "run", ...many, "flux", "usernetes", "once", "false"],
        env,
      );
      t.equal(exitCode, 1, "as the job's own command, without --");
    },
  );

  await t.test("each call is counted separately, however fast a task is", async (t) => {
    const script = `
flux usernetes once sh -c 'sleep 0.2; exit 4'; a=$?
flux usernetes once true; b=$?
flux usernetes once -- sh -c 'exit 6'; echo "$a $b $?"`;
    const { stdout } = await run(script, ...many);
    t.same(stdout.trim().split("\n"), Array<string>(8).fill("4 0 6"));
  });

  await t.test(
    "a command that a signal ends gives 128 and more, and a missing one 127",
    async (t) => {
      const script = `
flux usernetes once -- sh -c 'kill -KILL $$'; a=$?
flux usernetes once -- no-such-command; b=$?
flux usernetes once -- export; c=$?
echo "$a $b $c"`;
      const { stdout, stderr } = await run(script, ...many);
      t.same(stdout.trim().split("\n"), Array<string>(8).fill("137 127 127"));
      t.equal(stderr.match(/no-such-command: not found/g)?.length, 1, stderr);
    },
  );

  await t.test("a command gets its arguments and its input unchanged", async (t) => {
    const script = `
printf 'one\\ntwo\\n' | flux usernetes once -- sh -c 'cat; printf "[%s]" "$@"' sh 'a b' '*' '$x' ''`;
    const { stdout } = await run(script, "-N2", "-n2");
    t.equal(stdout.trim(), "one\ntwo\n[a b][*][$x][]");
  });

  await t.test("a cancel of the job ends all calls", async (t) => {
    const out = join(flux.place.common, "once.out");
    const script = flux.script(
      `flux usernetes once -- sh -c 'trap "exit 7" TERM; sleep 60 & echo began >>${out}; wait'`,
    );
    const job = (await flux.run(["flux", "submit", ...many, script], env)).stdout.trim();
    await until("it began", async () => (await flux.run(["cat", out])).stdout !== "");
    await flux.output("flux", "cancel", job);
    await flux.waitFor(job, "clean", "4s");
    t.equal((await flux.output("cat", out)).trim(), "began", "it began once");
  });

  await t.test("SIGTERM reaches both the command and the waiting tasks", async (t) => {
    const out = join(flux.place.common, "term.out");
    // The signal must come after both tasks have called `once`: a sleep that starts later would
    // keep the job's output open. The file usernetes-once.1 shows that task 1 waits.
    const script = flux.script(`
trap : TERM
if [ "$FLUX_TASK_RANK" = 1 ]; then
  { until [ -e "$FLUX_JOB_TMPDIR/usernetes-once.1" ]; do sleep 0.02; done; : >${out}.waits; } &
fi
flux usernetes once -- sh -c 'trap "exit 7" TERM; sleep 60 & : >${out}; wait'
echo "$FLUX_TASK_RANK $?"`);
    const job = (await flux.run(["flux", "submit", "-N2", "-n2", script], env)).stdout.trim();
    await until("both are there", async () => {
      const { exitCode } = await flux.run(["ls", out, `${out}.waits`]);
      return exitCode === 0;
    });
    await flux.output("flux", "job", "kill", "-s", "TERM", job);
    await flux.waitFor(job, "clean");
    const { stdout } = await flux.flux("job", "attach", job);
    t.same(
      stdout.trim().split("\n").toSorted(),
      ["0 7", "1 143"],
      "the first by the command's code",
    );
  });

  await t.test("tasks inside a batch job work, and so do calls outside of tasks", async (t) => {
    const out = join(flux.place.common, "once-batch.out");
    const script = flux.script(`
flux usernetes once -- sh -c 'echo script; exit 5'; echo "status $?"
flux run -N2 -n4 flux usernetes once -- sh -c 'echo task $FLUX_TASK_RANK'
flux run -n1 flux usernetes once echo alone`);
    const args = ["flux", "batch", "-N2", `--output=${out}`, script];
    const job = (await flux.run(args, env)).stdout.trim();
    await flux.waitForEnd(job);
    t.equal(await flux.output("cat", out), "script\nstatus 5\ntask 0\nalone");
    t.match(await flux.run(["flux", "usernetes", "once", "sh", "-c", "exit 9"], env), {
      exitCode: 9,
    });
  });

  await t.test("wrong usage prints one line and exits with 2; --help has an example", async (t) => {
    for (const args of [[], ["--"], ["--all", "true"]])
      t.match(await flux.run(["flux", "usernetes", "once", ...args], env), {
        exitCode: 2,
        stdout: "",
        stderr: /^flux-usernetes: once: .*COMMAND \[ARG\.\.\.\]\n$/,
      });
    t.match(await flux.run(["flux", "usernetes", "once", "--help"], env), {
      exitCode: 0,
      stdout: /Example:\n {2}flux run .*\n.*flux usernetes once -- kubectl get pods/,
    });
  });
});
