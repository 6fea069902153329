/** Templates that differ from usernetes' own: other targets, and a fifth port. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TEMPLATE } from "../sandbox/paths.js";
import { life } from "./life.js";

life(async (t, flux) => {
  const configured = (more: string) => flux.startDaemon("--config", flux.table(more));
  /** The targets that were started after the first `from` steps, each once. */
  const targets = (from: number) => [
    ...new Set(
      flux
        .startedSteps()
        .slice(from)
        .map((started) => started.split(" ")[1] ?? ""),
    ),
  ];

  await t.test("the targets of usernetes.make make up and the network", async (t) => {
    const before = flux.startedSteps().length;
    await configured('make = { up = "up-built", network = "install-calico" }');
    const job = await flux.submit("-N2", "sleep", "inf");
    await flux.waitFor(job, "start");
    const made = targets(before);
    for (const target of ["up-built", "install-calico"]) t.ok(made.includes(target), target);
    for (const target of ["up", "install-flannel"]) t.notOk(made.includes(target), target);
    const steps = (await flux.record(job)).map(({ context }) => context?.["step"]);
    t.ok(steps.includes("install-flannel"), "the record has the step by its name");
    // The next daemon has another configuration, but it still removes the cluster.
    await flux.stopDaemon("SIGKILL");
    await configured("");
    await flux.output("flux", "cancel", job);
    await flux.waitForEnd(job);
    t.same(await flux.leftovers(), []);
    await flux.stopDaemon();
  });

  await t.test("a template may have its own network", async (t) => {
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
    // A debug job keeps its cluster after its end, while another job gets its nodes.
    const debug = "--setattr=attributes.user.usernetes_debug=yes";
    const first = await flux.submit("-N2", debug, "true");
    await flux.waitForRecord(first, "settle");
    await flux.output("flux-usernetes", "release", first);
    await flux.waitForEnd(first);
    const second = await flux.submit("-N2", "true");
    await flux.waitForEnd(second);
    t.match(await claimed(first), [{ etcd: 20000, PORT_CALICO: 20004 }]);
    t.match(await claimed(second), [{ etcd: 20005, PORT_CALICO: 20009 }]);
    const shown = await flux.output("flux-usernetes", "status", first);
    t.match(shown, "apiserver 20003, PORT_CALICO 20004");
    await flux.output("flux-usernetes", "clean", first);
    // If another program uses one port on one node, all ports change on all nodes.
    const theirs = join(flux.place.testbed, "engine", "node1", "another");
    mkdirSync(theirs, { recursive: true });
    for (const [name, text] of Object.entries({
      ...{ container: "another", ports: "20004", network: "10.9.9.0/24" },
    }))
      writeFileSync(join(theirs, name), `${text}\n`);
    const job = await flux.submit("-N2", "true");
    await flux.waitForEnd(job);
    rmSync(theirs, { recursive: true });
    t.match(await claimed(job), [{ PORT_CALICO: 20004 }, { etcd: 20005, PORT_CALICO: 20009 }]);
    t.same(await flux.leftovers(), []);
    await flux.stopDaemon();
  });

  await t.test("networks that are named after the host are removed with the cluster", async (t) => {
    await configured('make = { up = "up-built", network = "install-calico" }');
    for (const isMade of [true, false]) {
      const job = await flux.submit("-N2", "sleep", "inf");
      await flux.waitFor(job, "start");
      for (const rank of ["0", "1"]) {
        const list = ["docker", "network", "ls", "--filter", "label=com.docker.compose.project="];
        const found = await flux.output("flux", "exec", "-n", "-r", rank, ...list);
        t.match(found, new RegExp(`^usernetes-[a-z0-9]+_node${rank}$`));
      }
      // If the template's own target fails, the daemon removes the network with the engine.
      if (!isMade) flux.fault("any.down-v", "exit 1");
      await flux.output("flux", "cancel", job);
      await flux.waitForEnd(job);
      t.same(await flux.leftovers(), []);
    }
    flux.fault("any.down-v", undefined);
    // The failed target would also have removed this state of the stand-in's control plane.
    rmSync(join(flux.place.testbed, "cluster"), { recursive: true });
    await flux.stopDaemon();
  });

  await t.test("up accepts a template by its name, or another directory", async (t) => {
    const table = `[usernetes.templates.calico]
template = "${TEMPLATE}"
make = { up = "up-built", network = "install-calico" }
port-variables = ["PORT_CALICO"]
`;
    const pass = ["--pass-env", "TESTBED", "--config", flux.table(table)];
    const up = (template: string) =>
      flux.run(["flux-usernetes", "up", ...pass, "-x", "2-3", "--template", template]);
    const down = () => flux.run(["flux-usernetes", "down", "--pass-env", "TESTBED"]);
    const before = flux.startedSteps().length;
    const named = await up("calico");
    t.equal(named.exitCode, 0, named.stderr);
    t.match(await flux.output("flux-usernetes", "status", "instance"), "PORT_CALICO 20004");
    for (const target of ["up-built", "install-calico"])
      t.ok(targets(before).includes(target), target);
    t.equal((await down()).exitCode, 0);
    t.same(await flux.leftovers(), []);
    const other = flux.template("played");
    const by = await up(other);
    t.equal(by.exitCode, 0, by.stderr);
    t.ok(targets(before).includes("up"), "its keys are those of [usernetes]");
    t.equal((await down()).exitCode, 0);
    for (const name of ["amd", "calico/x", "../calico"])
      t.match(await up(name), {
        exitCode: 2,
        stdout: "",
        stderr: `flux-usernetes: --template: found "${name}", allowed: an absolute path, or the name of a template: calico (usernetes.templates)\n`,
      });
  });

  await t.test("an unknown variable of the template is refused in one line", async (t) => {
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

  await t.test("a job gets the template that it names, or its user's own directory", async (t) => {
    const own = join(flux.place.common, "own");
    cpSync(TEMPLATE, own, { recursive: true });
    const named = (template: string) => `--setattr=attributes.user.usernetes_template=${template}`;
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
  });

  await t.test("an unknown target of the template is refused in one line", async (t) => {
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

  await t.test("doctor and warm check each named template with its own variables", async (t) => {
    const broken = flux.template("played");
    rmSync(join(broken, "Makefile"));
    const table = (template: string) => `[usernetes.templates.Calico-1]
template = "${template}"
make = { up = "up-built", network = "install-calico" }
[usernetes.templates.Calico-1.environment]
TMPDIR = "${flux.place.common}/tmp-{user}"
`;
    const doctor = async (file: string) => {
      const argv = ["flux", "usernetes", "doctor", "--rank", "0-1", "--json"];
      const { stdout } = await flux.run([...argv, "--pass-env", "TESTBED", "--config", file]);
      const { requirements } = JSON.parse(stdout) as {
        requirements: { id: string; pass: string; fail: { found: string }[] }[];
      };
      return (id: string) => requirements.find((one) => one.id === id);
    };
    const fit = await doctor(flux.table(table(TEMPLATE)));
    for (const id of ["answer", "template", "template-same", "environment", "engine-docker"])
      t.match(fit(`${id}:Calico-1`), { pass: "0-1", fail: [] }, id);
    t.equal(fit("environment"), undefined, "the site's own template has no variables");
    const user = await flux.output("id", "-un");
    t.ok(existsSync(join(flux.place.common, `tmp-${user}`)), "its directory is made");
    const unfit = await doctor(flux.table(table(broken)));
    t.match(unfit("template"), { pass: "0-1" });
    t.match(unfit("template:Calico-1")?.fail, [
      { found: `${broken} does not exist or has no Makefile` },
    ]);

    const warm = ["flux", "usernetes", "warm", "--rank", "0", "--pass-env", "TESTBED"];
    const file = flux.table(table(TEMPLATE));
    const { exitCode, stdout, stderr } = await flux.run([...warm, "--config", file]);
    t.equal(exitCode, 0, stderr);
    t.match(stderr, /^node0 \(rank 0\): image ready after /m);
    t.match(stderr, /^node0 \(rank 0\), Calico-1: image ready after /m);
    t.equal(stdout, "1 of 1 nodes have the image\n");
    const calls = readFileSync(join(flux.place.testbed, "engine.log"), "utf8");
    for (const project of ["usernetes_warm", "usernetes_warm__43alico_2d1"])
      t.match(calls, `docker compose -p ${project} build`);
    const bad = await flux.run([...warm, "--config", flux.table(table(broken))]);
    t.match(bad, { exitCode: 1, stdout: "0 of 1 nodes have the image; not node0\n" });
    t.match(bad.stderr, /^node0 \(rank 0\), Calico-1: failed: exit 1: .* has no Makefile$/m);
  });
});
