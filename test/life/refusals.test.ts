/** Jobs that are refused or whose cluster cannot come up, and the reason that is reported. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { TEMPLATE } from "../sandbox/paths.js";
import { life } from "./life.js";

const ASK = "--setattr=attributes.user.usernetes=yes";

life(async (t, flux) => {
  /** Submits a job and waits for its end. Returns its fatal exception and whether it started. */
  const refusal = async (...args: string[]) => {
    const job = await flux.output("flux", "submit", ...args, "true");
    await flux.waitForEnd(job);
    const events = await flux.events(job);
    const started = events.some((entry) => entry.name === "start");
    const fatal = events.find(
      (entry) => entry.name === "exception" && entry.context?.["severity"] === 0,
    );
    return { started, type: fatal?.context?.["type"], note: String(fatal?.context?.["note"]) };
  };
  const configured = (more: string, places: { template?: string; workdir?: string } = {}) =>
    flux.startDaemon("--config", flux.table(more, places));

  await t.test("a job that asks fails with the reason if no daemon runs", async (t) => {
    const { exitCode, stderr } = await flux.flux("run", ASK, "echo", "it runs");
    t.not(exitCode, 0);
    t.match(stderr, "usernetes: no flux-usernetes daemon is running in this instance");
    t.match(await flux.run(["flux-usernetes", "ping"]), {
      exitCode: 5,
      stderr: /^flux-usernetes: no daemon runs in this Flux instance: .*\n$/,
    });
  });

  // test/cluster/request.test.ts tests all other invalid attributes.
  await t.test("an attribute that is not understood fails the job", async (t) => {
    await flux.startDaemon();
    for (const [args, note] of [
      [
        ["--setattr=attributes.user.usernetes=maybe"],
        /usernetes: found "maybe", allowed: yes or no/,
      ],
      [
        [ASK, "--setattr=attributes.user.usernetes_engine=podman"],
        /usernetes_engine: found "podman", allowed here: docker/,
      ],
    ] as const) {
      const refused = await refusal(...args);
      t.match(refused, { started: false, type: "usernetes", note });
    }
    t.same(await flux.leftovers(), []);
  });

  await t.test("a second daemon is refused", async (t) => {
    t.match(await flux.run(["flux-usernetes", "daemon"]), {
      exitCode: 6,
      stderr: /^flux-usernetes: another flux-usernetes daemon runs in this instance.*\n$/,
    });
    t.equal((await flux.run(["flux-usernetes", "ping"])).exitCode, 0);
    await flux.stopDaemon();
  });

  await t.test(
    "a daemon that is not on rank 0 is refused, and so is one without an instance",
    async (t) => {
      const { stderr } = await flux.flux("exec", "-r", "1", "flux-usernetes", "daemon");
      t.match(stderr, /this is rank 1, the daemon runs on rank 0/);
      const nowhere = await flux.run(["flux-usernetes", "daemon"], {
        FLUX_URI: "local:///nonexistent",
      });
      t.match(nowhere, { exitCode: 4, stderr: /^flux-usernetes: no Flux instance answers.*\n$/ });
      const ping = await flux.run(["flux-usernetes", "ping"], { FLUX_URI: "local:///nonexistent" });
      t.match(ping, { exitCode: 4, stderr: /^flux-usernetes: no Flux instance answers.*\n$/ });
    },
  );

  // test/config tests the invalid values of each key.
  await t.test("an invalid configuration is refused", async (t) => {
    for (const [text, message] of [
      ["bad", /bad\.toml:1:[0-9]+: /],
      [
        "[usernetes]\ntemplate = '/x'\nhold = 'forever'",
        /usernetes\.hold: found "forever", allowed: events, perilog/,
      ],
    ] as const) {
      const file = join(flux.place.common, "bad.toml");
      writeFileSync(file, text);
      const { exitCode, stderr } = await flux.run(["flux-usernetes", "daemon", "--config", file]);
      t.equal(exitCode, 3);
      t.match(stderr, message);
      t.match(stderr, /^flux-usernetes: [^\n]+\n$/, "in one line");
    }
  });

  await t.test("a template that is missing on one node fails the job", async (t) => {
    const template = join(flux.place.base, "template");
    await flux.output("flux", "exec", "-r", "0,2-3", "cp", "-r", TEMPLATE, template);
    await configured("", { template });
    t.match(await refusal(ASK, "-N4"), {
      started: false,
      note: /^stage failed on node1 \(rank 1\): exit 1: the template .*template is not on this node: clone/,
    });
    await flux.stopDaemon();
    await flux.output("flux", "exec", "rm", "-rf", template);
    t.same(await flux.leftovers(), []);
  });

  await t.test("a template that lacks a target fails the job", async (t) => {
    const template = join(flux.place.common, "changed");
    await flux.output("cp", "-r", TEMPLATE, template);
    await flux.output("sed", "-i", "s/kubeadm-join/join/", join(template, "Makefile"));
    await configured("", { template });
    const before = flux.startedSteps().length;
    t.match(await refusal(ASK, "-N2"), {
      started: false,
      note: /^stage failed on node[01] \(rank [01]\): exit 1: the template .*changed lacks what the steps rely on: target kubeadm-join: take a revision of /,
    });
    const targets = flux.startedSteps().slice(before);
    t.same(
      targets.filter((starts) => / up$/.test(starts)),
      [],
      "and no node was brought up",
    );
    await flux.stopDaemon();
    t.same(await flux.leftovers(), []);
  });

  await t.test("a work directory that cannot be created fails the job", async (t) => {
    const workdir = join(flux.place.base, "base");
    await flux.output("flux", "exec", "-r", "0,2-3", "mkdir", workdir);
    await configured("", { workdir });
    t.match(await refusal(ASK, "-N4"), {
      started: false,
      note: /^stage failed on node1 \(rank 1\): exit 1: the work directory .* cannot be made/,
    });
    await flux.stopDaemon();
    await flux.output("flux", "exec", "rm", "-rf", workdir);
    t.same(await flux.leftovers(), []);
  });

  await t.test("a job with more nodes than the pod subnet holds is refused", async (t) => {
    const template = join(flux.place.common, "small");
    await flux.output("cp", "-r", TEMPLATE, template);
    writeFileSync(
      join(template, "kubeadm-config.yaml"),
      'networking:\n  podSubnet: "10.244.0.0/23"\n',
    );
    await configured("", { template });
    t.match(await refusal(ASK, "-N3"), {
      note: "the job has 3 nodes, and a cluster holds at most 2 (podSubnet in the template's kubeadm-config.yaml)",
    });
    await flux.stopDaemon();
  });

  await t.test("a bring-up that hangs ends at its deadline, together with the step", async (t) => {
    await configured('bring-up-timeout = "3s"\n');
    flux.fault("node1.up", "hang");
    t.match(await refusal(ASK, "-N2"), {
      started: false,
      note: "timed out after 3s, waiting for up on node1 (rank 1)",
    });
    flux.fault("node1.up", undefined);
    t.same(await flux.leftovers(), []);
    const { stdout } = await flux.run(["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]);
    t.notMatch(stdout, "sleep 86400 ", "no orphan stays");
    await flux.stopDaemon();
  });

  await t.test("a Makefile whose down-v hangs leaves no resources behind", async (t) => {
    await configured('teardown-timeout = "4s"\n');
    flux.fault("node1.down-v", "hang");
    const job = await flux.submit("-N2", "true");
    await flux.waitForEnd(job);
    flux.fault("node1.down-v", undefined);
    t.match((await flux.record(job)).at(-1), { name: "down", context: { left: { length: 0 } } });
    t.same(await flux.leftovers(), []);
    await flux.stopDaemon();
  });

  await t.test("a teardown that hangs drains the node and keeps the entry", async (t) => {
    await configured('teardown-timeout = "3s"\n');
    flux.fault("node1.down-v", "hang");
    flux.fault("node1.engine", "hang");
    const job = await flux.submit("-N2", "true");
    await flux.waitForEnd(job);
    flux.fault("node1.down-v", undefined);
    flux.fault("node1.engine", undefined);
    t.match((await flux.record(job)).at(-1), { name: "down", context: { left: [1] } });
    t.match(
      await flux.output("flux", "dmesg"),
      /drain idset=1 .*reason=usernetes: teardown of ƒ\w+ failed: timed out after 3 s: removing container \S+-node-1/,
    );
    t.match(await flux.leftovers(), [/engine node1/, /disk 1: /, /usernetes\.cluster /]);
    await flux.stopDaemon();
  });
});

life(async (t, flux) => {
  await flux.startDaemon();
  const attr = (env: Record<string, string>, ...args: string[]) =>
    flux.run(["usernetes", ...args], { USERNETES_WORKDIR: "", FLUX_JOB_ID: "", ...env });
  const job = await flux.submit("-N1", "sleep", "300");
  await flux.waitFor(job, "start");

  await t.test("a job ID may have any of Flux's forms", async (t) => {
    const expected = await attr({}, "attr", "--jobid", job, "workdir");
    t.match(expected, { exitCode: 0, stdout: /usernetes-ƒ[a-z0-9]+\n$/ });
    for (const form of ["f58", "dec", "hex", "dothex", "kvs"]) {
      const id = await flux.output("flux", "job", "id", `--to=${form}`, job);
      t.match(await attr({}, "attr", "--jobid", id, "workdir"), expected, id);
      t.match(await attr({ FLUX_JOB_ID: id }, "attr", "workdir"), expected, id);
    }
    const ascii = await attr({ LANG: "C" }, "attr", "--jobid", job.replace("ƒ", "f"), "workdir");
    t.match(ascii, expected, "whatever the locale");
    if (flux.kind === "real") {
      const id = await flux.output("flux", "job", "id", "--to=words", job);
      t.match(await attr({}, "attr", "--jobid", id, "workdir"), expected, id);
    }
  });

  await t.test("a missing job ID, job, cluster or instance is reported in one line", async (t) => {
    const other = await flux.output("flux", "submit", "true");
    for (const [args, env, exitCode, stderr] of [
      [["attr", "--jobid", "no job"], {}, 2, /invalid job ID "no job": expected f58/],
      [["attr", "--jobid", "ƒ1111x"], {}, 1, /there is no job ƒ1111x in this Flux instance/],
      [["attr", "--jobid", other], {}, 1, /has no cluster: it did not ask for one/],
      [["attr"], { FLUX_JOB_ID: other }, 1, /has no cluster: it did not ask for one/],
      [["attr"], {}, 1, /this is not inside a job/],
      [["attr"], { FLUX_URI: "local:///nonexistent" }, 4, /no Flux instance answers/],
      [["attr", "kubecfg"], {}, 2, /found "kubecfg", allowed: kubeconfig, workdir/],
      [["frob"], {}, 2, /there is no command "frob"/],
    ] as const) {
      const result = await attr(env, ...args);
      t.match(result, { exitCode, stdout: "", stderr }, args.join(" "));
      t.match(result.stderr, /^usernetes: [^\n]+\n$/, "in one line");
    }
  });
  await flux.flux("cancel", job);
  await flux.waitForEnd(job);
});
