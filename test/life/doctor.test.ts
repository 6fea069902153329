/** `flux usernetes doctor` on four nodes. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { life } from "./life.js";

interface Report {
  ok: boolean;
  hosts: Record<string, string>;
  requirements: { id: string; pass: string; fail: { ranks: string; found: string }[] }[];
}

/** Requirements whose result depends on the test machine, so the tests do not check them. */
const MACHINES = ["kubectl", "cgroup", "delegation", "linger", "subids", "modules", "iptables"];
const OTHERS = [
  // The stand-in engine does not print where its storage is.
  "storage-docker",
  "rootless-docker",
  "shell-plugin",
  "rp_filter",
  "jq",
  "address",
  "networks",
  "udevd-docker",
  "bridge-nf",
  ...MACHINES,
];

life(async (t, flux) => {
  const ask = async (env: Record<string, string>, ...args: string[]) => {
    const argv = ["flux", "usernetes", "doctor", "--pass-env", "TESTBED", "--json", ...args];
    const result = await flux.run(argv, env);
    const report = JSON.parse(result.stdout || "{}") as Report;
    const of = (id: string) => report.requirements.find((one) => one.id === id);
    return { ...result, report, of };
  };
  const doctor = (...args: string[]) => ask({}, ...args);

  await t.test("every node reports its own checks", async (t) => {
    const { report, of } = await doctor();
    t.match(report.hosts, { 0: "node0", 3: "node3" });
    t.match(of("answer"), { pass: "0-3", fail: [] });
    const known = report.requirements.filter(({ id }) => !OTHERS.includes(id));
    t.ok(known.length > 8);
    for (const { id, pass, fail } of known)
      t.same({ id, pass, fail }, { id, pass: "0-3", fail: [] });
  });

  await t.test("only the requested nodes are checked", async (t) => {
    t.match((await doctor("--rank", "1,3")).of("make"), { pass: "1,3", fail: [] });
    t.match(await flux.run(["flux", "usernetes", "doctor", "--rank", "2-4"]), {
      exitCode: 2,
      stdout: "",
      stderr: /^flux-usernetes: --rank: found "2-4", allowed: ranks of 0-3\n$/,
    });
  });

  await t.test("a node that differs is reported, with how to fix it", async (t) => {
    const template = flux.template("played");
    // Node 3 has no template, and the template on node 2 differs from the others.
    const link = join(flux.place.base, "template");
    const sh = `case $(flux getattr rank) in
      0 | 1) cp -R "$1" "$2" ;;
      2) cp -R "$1" "$2"; echo "# mine" >>"$2/Makefile" ;;
    esac`;
    await flux.output("flux", "exec", "sh", "-c", sh, "sh", template, link);
    const file = flux.table("", { template: link });
    const { exitCode, of } = await doctor("--config", file);
    t.equal(exitCode, 1);
    t.match(of("template"), { pass: "0-2", fail: [{ ranks: "3", found: /has no Makefile/ }] });
    t.match(of("template-same"), { pass: "0-1", fail: [{ ranks: "2" }] });
    const { stdout } = await flux.run([
      ...["flux", "usernetes", "doctor", "--pass-env", "TESTBED", "--config", file],
    ]);
    t.match(stdout, /^FAIL +template +node\[0-2\] +node3$/m);
    t.match(stdout, /\nFAIL: template\n {2}node3: .*\n {2}fix: git clone /);
    for (const line of stdout.split("\n\n")[0]?.split("\n") ?? []) t.ok(line.length <= 80, line);
    await flux.output("flux", "exec", "rm", "-rf", link);
  });

  await t.test("the shell plugin is found where Flux loads it from", async (t) => {
    const { common } = flux.place;
    const directory = join(common, "rc");
    mkdirSync(join(directory, "lua.d"), { recursive: true });
    const loaded = join(common, "loaded");
    const plugin = `local f = io.open("${loaded}", "a") f:write("x") f:close()\n`;
    if (flux.kind === "real") {
      // Loads plugins as the installed initrc.lua does.
      writeFileSync(join(common, "initrc.lua"), 'shell.source_rcpath ("*.lua")\n');
      mkdirSync(join(common, "lua.d"));
    }
    const tried: [folder: string, path: string][] = [
      [directory, directory],
      [join(directory, "lua.d"), directory],
      [join(directory, "lua.d"), `/nonexistent:${directory}/lua.d`],
      ...(flux.kind === "real" ? [[join(common, "lua.d"), ""] as [string, string]] : []),
    ];
    for (const [folder, path] of tried) {
      writeFileSync(join(folder, "usernetes.lua"), plugin);
      const env = { FLUX_SHELL_RC_PATH: path };
      const { pass } = (await ask(env, "--rank", "0")).of("shell-plugin") ?? {};
      const isFound = path === "" || path.split(":").includes(folder);
      t.equal(pass, isFound ? "0" : "", `${folder}, FLUX_SHELL_RC_PATH=${path}`);
      if (flux.kind === "real") {
        rmSync(loaded, { force: true });
        await flux.run(["flux", "run", "-N1", "true"], env);
        t.equal(existsSync(loaded), isFound, "as a job's shell does");
      }
      rmSync(join(folder, "usernetes.lua"));
    }
  });

  await t.test("a broken configuration exits with 3, and a missing instance with 4", async (t) => {
    const broken = flux.table("foo = 1\n");
    t.match(await flux.run(["flux", "usernetes", "doctor", "--config", broken]), { exitCode: 3 });
    const argv = ["flux-usernetes", "doctor"];
    t.match(await flux.run(argv, { FLUX_URI: "local:///nonexistent" }), { exitCode: 4 });
  });

  await t.test("a lost node is reported as lost, and the others continue", async (t) => {
    await flux.lose(3);
    const { exitCode, of } = await doctor();
    t.equal(exitCode, 1);
    const found = /^(No route to host|the node does not answer)$/;
    t.match(of("answer"), { pass: "0-2", fail: [{ ranks: "3", found }] });
    t.match(of("make"), { pass: "0-2", fail: [] });
  });
});
