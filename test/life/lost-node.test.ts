import { life } from "./life.js";

life(async (t, flux) => {
  await flux.startDaemon();
  const lose = async (rank: number) => {
    if (flux.kind === "embedded") {
      await flux.output("flux", "sandbox", "lose", String(rank));
      return;
    }
    const pid = await flux.output(
      "flux",
      "exec",
      "-r",
      String(rank),
      "flux",
      "getattr",
      "broker.pid",
    );
    process.kill(Number(pid), "SIGKILL");
  };

  await t.test(
    "a node that is lost while its cluster comes up fails the job at once",
    async (t) => {
      flux.takes("kubeadm-init", 60);
      const job = await flux.submit("-N4", "true");
      while (!(await flux.record(job)).some((entry) => entry.context?.["step"] === "kubeadm-init"));
      await lose(3);
      await flux.waitForEnd(job);
      const events = await flux.events(job);
      const fatal = events.find((entry) => entry.context?.["severity"] === 0);
      t.match(fatal?.context, {
        type: "usernetes",
        note: "node3 (rank 3) was lost while its cluster came up",
      });
      t.match((await flux.record(job)).at(-1), { name: "down", context: { left: [3] } });
      const left = await flux.leftovers();
      t.notOk(
        left.some((line) => /node[012]|disk [012]:/.test(line)),
        left.join(", "),
      );
      t.ok(
        left.some((line) => line.startsWith("usernetes.cluster ")),
        "its entry stays",
      );
      flux.takes("kubeadm-init", 0.1);
    },
  );

  await t.test("other jobs go on", async (t) => {
    const job = await flux.submit("-N3", "true");
    await flux.waitForEnd(job);
    t.match((await flux.record(job)).at(-1), { name: "down", context: { left: [] } });
  });

  const noReturn = "a broker of flux start does not come back";
  const skip = flux.kind === "real" ? noReturn : false;
  await t.test("what was left is cleaned when the node is back", { skip }, async (t) => {
    await flux.flux("sandbox", "restore", "3");
    while ((await flux.leftovers()).length > 0);
    t.same(await flux.leftovers(), []);
  });
});
