/** `flux usernetes status --watch` on a terminal. */
import { life } from "./life.js";

life(async (t, flux) => {
  const usernetes = (...args: string[]) => flux.run(["flux", "usernetes", ...args]);
  const list = async (...args: string[]) =>
    JSON.parse(await flux.output("flux", "usernetes", "list", "--json", ...args)) as unknown;
  /** Runs a command on a terminal of this width. Escape characters are shown as ^. */
  const on = async (columns: number, command: string, env: Record<string, string>, rows = 50) => {
    const typed = `stty cols ${columns} rows ${rows}; exec flux usernetes ${command}`;
    const words = ["script", "-qec", typed, "/dev/null"];
    const { stdout } = await flux.run(words, { TERM: "xterm", ...env });
    return stdout.replaceAll("\r", "").replaceAll("\u001b", "^");
  };
  const colour = { NO_COLOR: "" };
  const plain = { NO_COLOR: "1" };
  await flux.startDaemon();
  const job = await flux.submit("-N2", "--job-name=mine", "sleep", "300");
  const watched = on(80, `status --watch ${job}`, colour, 12);
  const dumb = on(80, `status --watch ${job}`, { ...colour, TERM: "dumb" });
  await flux.output("flux", "usernetes", "wait", "--timeout", "1m", job);

  await t.test("list has the filters and the errors of flux jobs", async (t) => {
    t.match(await list("--name=mine"), [{ jobid: job }]);
    t.same(await list("--name=other"), []);
    t.match(await list("-i", "node1"), [{ jobid: job }]);
    t.same(await list("--include=node3"), []);
    const other = await flux.output("flux", "submit", "-N1", "sleep", "300");
    const more = await usernetes("list", "-c", "1", "-u", "all");
    t.match(more, {
      exitCode: 0,
      stderr: /^flux-usernetes: only the first 1 jobs were examined: /,
    });
    const both = await usernetes("list", "-a", "--filter=running");
    t.match(both, { exitCode: 0, stderr: /^flux-usernetes: WARNING: Both -a and --filter/ });
    t.match(both.stdout, ` ${job} `);
    t.match(await usernetes("list", "--count=some"), { exitCode: 2, stderr: /found "some"/ });
    // No filter applies to a job that is named, and no warning is printed.
    t.match(await usernetes("list", job), { exitCode: 0, stderr: "" });
    await flux.flux("cancel", other);
  });

  await t.test("output is fitted and coloured for a terminal, but not for a pipe", async (t) => {
    t.match(await on(80, "list", colour), "^[32mready^[0m");
    const listed = await on(40, "list", plain);
    t.notMatch(listed, "^");
    for (const line of listed.trimEnd().split("\n")) t.match(line, /^.{39}\+$/u);
    for (const verb of ["status", "timeline"])
      for (const line of (await on(40, `${verb} ${job}`, plain)).split("\n"))
        t.ok(line.length <= 40, line);
    t.match(await on(40, `status ${job}`, plain), /\nup +ok +[0-9.]+s 0-1\n/);
    t.match(await on(200, `timeline ${job}`, colour), "^[32m█");
    const piped = (await flux.run(["flux", "usernetes", "status", job], colour)).stdout;
    t.notMatch(piped, "\u001b");
    t.match(piped, "\n  nodes      2 of 2 ready: node[0-1] (rank 0-1)\n");
  });

  await t.test("status --watch redraws a terminal until the cluster is removed", async (t) => {
    await flux.flux("cancel", job);
    const drawn = await watched;
    t.match(drawn, /\^\[[0-9]+A/);
    t.match(drawn, `${job}: ^[34mstarting^[0m, `);
    t.match(drawn, new RegExp(`A${job}: \\^\\[2mgone\\^\\[0m, [^\n]*lived [^]*\\^\\[J$`));
    const frames = drawn.split(/\^\[[0-9]+A/);
    const last = frames.pop();
    for (const frame of frames) t.ok(frame.split("\n").length <= 12, frame);
    t.match(frames.join(""), /\([0-9]+ lines hidden\)/);
    t.notMatch(last, "left out");
    t.match(last, /\nstage [^]*\nup [^]*\ndown-v /);
    await flux.waitForEnd(job);
  });

  await t.test("status --watch prints a line for each change on a dumb terminal", async (t) => {
    const lines = await dumb;
    t.notMatch(lines, "^");
    t.match(lines, /^ +[0-9.]+s starting on [^]*[0-9][sm] gone\n?$/m);
  });
});
