/**
 * Compares the screens in the documents (test/docs/screens.ts) with real output. Each command is
 * run as it is in the document, but with this run's job ID. Screens that other tests check are
 * listed here with their test, so that each screen has a test.
 *
 * SCREENS=FILE writes the output of the commands to FILE, to be copied into the documents.
 */
import { appendFileSync, existsSync } from "node:fs";
import { packagePath } from "../../lib/host/package.js";
import { documents, readDocument } from "../docs/documents.js";
import { differences, screensIn, type Screen } from "../docs/screens.js";
import { spawnCommand } from "../hosts/run-command.js";
import { life } from "./life.js";
import { COMMANDS } from "./places.js";

/** Screens that other tests check, by document and start of the command. */
const ELSEWHERE: [file: string, command: string, test: string][] = [
  ["README.md", "flux submit", "demo/demo"],
  ["README.md", "kubectl get nodes", "demo/demo"],
  ["docs/user.md", "job=$(flux batch", "life/examples"],
  ["docs/user.md", "flux usernetes status --watch $job", "life/examples"],
  ["docs/user.md", "flux alloc", "life/examples"],
  ["docs/user.md", "kubectl get nodes", "life/examples"],
  ["docs/user.md", "flux run -N2 hostname", "life/examples"],
  ["docs/user.md", "exit", "life/examples"],
  ["docs/user.md", "flux batch service.sh", "life/examples"],
  ["docs/user.md", "flux run -N2 -n32", "life/once"],
  ["docs/user.md", "usernetes start-control-plane", "life/by-hand"],
  ["docs/user.md", "flux run --usernetes", "life/options"],
  ["docs/user.md", "flux submit --setattr=user.usernetes=maybe", "life/options"],
  ["docs/admin/install.md", "flux-usernetes install", "install/install"],
  ["docs/admin/install.md", "flux run -N2 --usernetes", "life/options"],
  ["docs/admin/configure.md", "flux dmesg | grep 'stdout", "life/perilog"],
  ["docs/admin/operate.md", "flux usernetes doctor", "life/doctor"],
  ["docs/admin/operate.md", "flux usernetes warm", "life/warm"],
  ["docs/admin/operate.md", "curl", "life/metrics"],
];

const all = documents()
  .filter((file) => file !== "NEWS.md")
  .flatMap((file) => screensIn(file, readDocument(file)));
const isElsewhere = ({ file, command }: Screen): boolean =>
  ELSEWHERE.some(([where, start]) => where === file && command.startsWith(start));
const left = new Set(all.filter((screen) => !isElsewhere(screen)));

/** Takes the next screen whose command starts with `start`. Each screen is taken once. */
function next(file: string, start: string): Screen {
  const found = [...left].find((it) => it.file === file && it.command.startsWith(start));
  if (!found) throw new Error(`${file} has no screen (any more) that starts with $ ${start}`);
  left.delete(found);
  return found;
}

interface Compare {
  strictSame: (found: unknown, wanted: unknown, title: string) => void;
}

function compare(t: Compare, screen: Screen, printed: string): void {
  const record = process.env["SCREENS"];
  if (record !== undefined)
    appendFileSync(record, `${screen.file}\n    $ ${screen.command}\n${printed}\n`);
  const { onlyInDocument, onlyInRun } = differences(screen, printed);
  const where = `${screen.file}: $ ${screen.command}`;
  t.strictSame(onlyInDocument, [], `${where}: lines that the command does not print`);
  t.strictSame(onlyInRun, [], `${where}: lines that the document lacks`);
}

const USER = "docs/user.md";
const DEBUG = "--setattr=attributes.user.usernetes_debug=yes";

life(async (t, flux) => {
  /** Runs a screen's command with this job's ID. Returns the output with the document's paths. */
  const run = async ({ command }: Screen, job = ""): Promise<string> => {
    const text = command.replace(/ƒ\w+/g, job);
    const { stdout, stderr } = await flux.run(["timeout", "60", "sh", "-c", text], {
      COLUMNS: "90",
      FLUX_EXEC_PATH: COMMANDS,
    });
    return `${stderr}${stdout}`.replaceAll(flux.place.base, "/tmp");
  };
  const play = async (t: Compare, file: string, start: string, job?: string): Promise<void> => {
    const screen = next(file, start);
    compare(t, screen, await run(screen, job));
  };
  const settled = (job: string) => flux.run(["flux", "usernetes", "wait", job]);

  await t.test("the screens of a whole instance are up to date", async (t) => {
    for (const verb of ["up", "down"]) {
      const screen = next(USER, `flux usernetes ${verb}`);
      const command = `${screen.command} --pass-env TESTBED`;
      const { stdout, stderr } = await flux.run(["sh", "-c", command]);
      compare(t, screen, `${stderr}${stdout}`.replaceAll(flux.place.base, "/tmp"));
    }
  });

  await flux.startDaemon();

  await t.test("the screens of the daemon are up to date", async (t) => {
    await play(t, "docs/admin/install.md", "flux usernetes ping");
  });

  await t.test("the screens of a ready cluster are up to date", async (t) => {
    const job = await flux.submit("-N2", "sleep", "300");
    const [attr, env] = [next(USER, "usernetes attr kubeconfig"), next(USER, "usernetes env")];
    await settled(job);
    await play(t, USER, "flux jobs -o", job);
    const held = await flux.submit("-N1", DEBUG, "true");
    await settled(held);
    await play(t, USER, "flux usernetes list");
    await play(t, USER, "usernetes attr --jobid", job);
    const inside = { USERNETES_WORKDIR: `/tmp/usernetes-${job.toLowerCase()}` };
    for (const screen of [attr, env]) {
      const { stdout } = await flux.run(["sh", "-c", screen.command], inside);
      compare(t, screen, stdout);
    }
    await flux.flux("cancel", job, held);
    await Promise.all([flux.waitForEnd(job), flux.waitForEnd(held)]);
    await play(t, "docs/admin/operate.md", "flux usernetes clean --all");
  });

  await t.test("the screen of a refused attribute is up to date", async (t) => {
    await play(t, USER, "flux run --setattr=attributes.user.usernetes=maybe");
  });

  await t.test("the screens of a failed worker in a held job are up to date", async (t) => {
    flux.fault("node1.kubeadm-join", "exit 2");
    const job = await flux.submit("-N2", DEBUG, "true");
    await settled(job);
    flux.fault("node1.kubeadm-join", undefined);
    await play(t, USER, "flux usernetes status ƒ", job);
    await play(t, USER, "flux jobs -o", job);
    await play(t, USER, "flux usernetes release", job);
    await flux.waitForEnd(job);
    await play(t, USER, "flux usernetes clean", job);
  });

  await t.test("the screen of a cluster line by line is up to date", async (t) => {
    const job = await flux.submit("-N1", "true");
    await play(t, USER, "flux usernetes status --watch ƒ", job);
    await flux.waitForEnd(job);
  });

  await t.test("the screen of a slow step is up to date", async (t) => {
    flux.takes("kubeadm-join", "held");
    const job = await flux.submit("-N2", "true");
    await flux.waitForStep(job, "kubeadm-join");
    const screen = next(USER, "flux usernetes wait");
    const command = `${screen.command.replace(/ƒ\w+/g, job)} 2>&1`;
    const env = { ...flux.place.env, FLUX_EXEC_PATH: COMMANDS };
    const wait = spawnCommand("sh", ["-c", command], { env, cwd: flux.place.common });
    await wait.line((line) => line.includes(" so far"), 60_000);
    flux.takes("kubeadm-join", 0.1);
    await wait.ended;
    compare(t, screen, wait.lines.join("\n"));
    await flux.waitForEnd(job);
  });

  await t.test("the screen of a step that fails once is up to date", async (t) => {
    flux.fault("node1.kubeadm-join", "exit 4 once");
    const job = await flux.submit("-N3", "sleep", "300");
    await settled(job);
    await play(t, USER, "flux usernetes logs --step kubeadm-join", job);
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
    await play(t, USER, "flux usernetes logs --step kubeadm-join", job);
    await play(t, "docs/record.md", "flux job info", job);
  });

  await t.test("the screen of a timeline is up to date", async (t) => {
    flux.fault("node2.kubeadm-join", "exit 2 once");
    const job = await flux.submit("-N4", "true");
    await flux.waitForEnd(job);
    await play(t, USER, "flux usernetes timeline", job);
  });

  await t.test("the screen of the daemon's log is up to date", async (t) => {
    const limited = await flux.submit("-N2", "-t", "1h", "true");
    await flux.waitForEnd(limited);
    flux.takes("up", 30);
    const job = await flux.submit("-N2", "true");
    await flux.waitForStep(job, "up");
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
    await play(t, "docs/failure-modes.md", "flux dmesg");
  });

  await t.test("every screen in the documents has been compared, or names its test", (t) => {
    for (const [, , test] of ELSEWHERE)
      t.ok(existsSync(packagePath("test", `${test}.test.ts`)), `test/${test}.test.ts exists`);
    t.strictSame(
      [...left].map(({ file, command }) => `${file}: ${command}`),
      [],
    );
    for (const screen of all.filter((it) => !isElsewhere(it))) left.add(screen);
    t.end();
  });
}, 'ready = "dns"\n');
