/** Templates that differ from usernetes' own: other targets, and a fifth port. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TEMPLATE } from "../sandbox/paths.js";
import { life } from "./life.js";

life(async (t, flux) => {
  const configured = (more: string) => flux.startDaemon("--config", flux.table(more));
  /** Without the stand-in's clean-up of what was never made. */
  const targets = (from: number) => [
    ...new Set(
      flux
        .startedSteps()
        .slice(from)
        .map((started) => started.split(" ")[1] ?? ""),
    ),
  ];

  await t.test("up and the network are made by the targets of usernetes.make", async (t) => {
    const before = flux.startedSteps().length;
    await configured('make = { up = "up-built", network = "install-calico" }');
    const job = await flux.submit("-N2", "sleep", "inf");
    await flux.waitFor(job, "start");
    const made = targets(before);
    for (const target of ["up-built", "install-calico"]) t.ok(made.includes(target), target);
    for (const target of ["up", "install-flannel"]) t.notOk(made.includes(target), target);
    const steps = (await flux.record(job)).map(({ context }) => context?.["step"]);
    t.ok(steps.includes("install-flannel"), "the record has the step by its name");
    // Another daemon, with another configuration: the cluster comes down all the same.
    await flux.stopDaemon("SIGKILL");
    await configured("");
    await flux.output("flux", "cancel", job);
    await flux.waitForEnd(job);
    t.same(await flux.leftovers(), []);
    await flux.stopDaemon();
  });

  await t.test("a template may bring its network along", async (t) => {
    const before = flux.startedSteps().length;
    writeFileSync(join(flux.place.testbed, "networked"), "");
    await configured('make = { network = "" }');
    const job = await flux.submit("-N2", "true");
    await flux.waitForEnd(job);
    t.notOk(targets(before).some((target) => target.startsWith("install-")));
    const record = await flux.record(job);
    t.match(record.find(({ name }) => name === "settle")?.context, { outcome: "ready" });
    const steps = record.map(({ context }) => context?.["step"]);
    t.notOk(steps.includes("install-flannel"));
    t.ok(steps.includes("wait-ready"));
    await flux.stopDaemon();
  });

  await t.test("two clusters on the same nodes have a fifth port each", async (t) => {
    await configured(
      'make = { up = "up-built", network = "install-calico" }\nport-variables = ["PORT_CALICO"]',
    );
    const claimed = async (job: string) =>
      (await flux.record(job))
        .filter(({ name }) => name === "claim")
        .map(({ context }) => context?.["ports"] as Record<string, number>);
    // It keeps its cluster when it has ended, and another job gets its nodes.
    const debug = "--setattr=attributes.user.usernetes_debug=yes";
    const first = await flux.submit("-N4", debug, "true");
    await flux.waitForRecord(first, "settle");
    await flux.output("flux-usernetes", "release", first);
    await flux.waitForEnd(first);
    const second = await flux.submit("-N4", "true");
    await flux.waitForEnd(second);
    t.match(await claimed(first), [{ etcd: 20000, PORT_CALICO: 20004 }]);
    t.match(await claimed(second), [{ etcd: 20005, PORT_CALICO: 20009 }]);
    const shown = await flux.output("flux-usernetes", "status", first);
    t.match(shown, "apiserver 20003, PORT_CALICO 20004");
    await flux.output("flux-usernetes", "clean", first);
    // One that a program of somebody else has on one node is changed on all, with the others.
    const theirs = join(flux.place.testbed, "engine", "node1", "another");
    mkdirSync(theirs, { recursive: true });
    for (const [name, text] of Object.entries({
      ...{ container: "another", ports: "20004", network: "10.9.9.0/24" },
    }))
      writeFileSync(join(theirs, name), `${text}\n`);
    const job = await flux.submit("-N4", "true");
    await flux.waitForEnd(job);
    rmSync(theirs, { recursive: true });
    t.match(await claimed(job), [{ PORT_CALICO: 20004 }, { etcd: 20005, PORT_CALICO: 20009 }]);
    t.same(await flux.leftovers(), []);
    await flux.stopDaemon();
  });

  await t.test("a variable that the template does not have is refused in one line", async (t) => {
    await configured('port-variables = ["PORT_WEAVE"]');
    const job = await flux.submit("-N2", "true");
    await flux.waitForEnd(job);
    const events = await flux.events(job);
    t.match(
      String(events.find(({ name }) => name === "exception")?.context?.["note"]),
      / lacks what the steps rely on: variable PORT_WEAVE \(usernetes\.port-variables\): take .*, or set usernetes\.port-variables to variables that it has$/,
    );
    t.same(await flux.leftovers(), []);
    await flux.stopDaemon();
  });

  await t.test(
    "a job has the template that it names, or a directory of its user's own",
    async (t) => {
      const own = join(flux.place.common, "own");
      cpSync(TEMPLATE, own, { recursive: true });
      const named = (template: string) =>
        `--setattr=attributes.user.usernetes_template=${template}`;
      const tables = `user-templates = true
[usernetes.templates.calico]
template = "${TEMPLATE}"
make = { up = "up-built", network = "install-calico" }
port-variables = ["PORT_CALICO"]
`;
      await configured(tables);
      const before = flux.startedSteps().length;
      const job = await flux.submit("-N2", named("calico"), "sleep", "inf");
      await flux.waitFor(job, "start");
      t.ok(targets(before).includes("install-calico"));
      const claim = (await flux.record(job)).find(({ name }) => name === "claim");
      t.match(claim?.context?.["ports"], { PORT_CALICO: 20004 });
      await flux.stopDaemon("SIGKILL");
      await configured("");
      await flux.output("flux", "cancel", job);
      await flux.waitForEnd(job);
      await flux.stopDaemon();
      await configured(tables);
      const mine = await flux.submit("-N2", named(own), "true");
      await flux.waitForEnd(mine);
      const settled = (await flux.record(mine)).find(({ name }) => name === "settle");
      t.match(settled?.context, { outcome: "ready" });
      const note = async (template: string) => {
        const refused = await flux.submit("-N2", named(template), "true");
        await flux.waitForEnd(refused);
        const events = await flux.events(refused);
        return String(events.find(({ name }) => name === "exception")?.context?.["note"]);
      };
      t.match(
        await note("amd"),
        /usernetes_template: found "amd", allowed here: calico \(usernetes\.templates\), and an absolute path of a directory of your own$/,
      );
      rmSync(own, { recursive: true });
      await flux.output("mkfifo", own);
      t.match(await note(own), /usernetes_template: .* is not a directory on this node/);
      t.same(await flux.leftovers(), []);
      await flux.stopDaemon();
    },
  );

  await t.test("a target that the template does not have is refused in one line", async (t) => {
    const table = 'make = { up = "up-prebuilt" }';
    const line =
      / lacks what the steps rely on: target up-prebuilt \(usernetes\.make\.up\): take .*, or set usernetes\.make to targets that it has/;
    await configured(table);
    const job = await flux.submit("-N2", "true");
    await flux.waitForEnd(job);
    const events = await flux.events(job);
    const note = String(events.find(({ name }) => name === "exception")?.context?.["note"]);
    t.match(note, line);
    t.notMatch(note, "\n");
    t.same(await flux.leftovers(), []);
    const doctor = await flux.run(["flux-usernetes", "doctor", "--config", flux.table(table)]);
    t.match(doctor.stdout, line);
    await flux.stopDaemon();
  });
});
