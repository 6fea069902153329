/** Runs the same assertions against the embedded Flux and, if there is one, a real Flux. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { startInstance } from "../sandbox/start-instance.js";
import { BIN } from "../sandbox/paths.js";
import { CONFIG, type FluxUnderTest } from "./flux-under-test.js";
import { startRealFlux, whyNoRealFlux } from "../hosts/real-flux.js";
import { runCommand, spawnCommand } from "../hosts/run-command.js";

type Body = (t: Tap, flux: FluxUnderTest) => Promise<void> | void;
export type Tap = typeof t;

/** The broker's configuration. The argument is the path of a host's own disk. */
type Config = (disk: string) => string;

/** Further variables for the instance and all that it starts. */
type Variables = Record<string, string>;

async function openEmbedded(config: Config, variables: Variables): Promise<FluxUnderTest> {
  // The shell plugin is left out: a real instance does not have it installed either.
  const sandbox = await startInstance({
    size: 4,
    config: config("@SANDBOX@/hosts/self"),
    shellPlugin: false,
    env: variables,
  });
  const cwd = mkdtempSync("/tmp/contract-");
  const disk = sandbox.disk(0);
  for (const rank of [0, 1, 2, 3]) mkdirSync(sandbox.disk(rank), { recursive: true });
  const env = { ...sandbox.env, LANG: "C.UTF-8" };
  const flux = join(BIN, "flux");
  const run = (...args: string[]) => runCommand(flux, args, { env, cwd });
  return {
    kind: "embedded",
    disk,
    run: (args, input) => runCommand(flux, args, { env, cwd, input }),
    spawn: (args) => spawnCommand(flux, args, { env, cwd }),
    async stall(rank) {
      await run("sandbox", "stall", String(rank));
      return () => void run("sandbox", "resume", String(rank));
    },
    async stop() {
      await sandbox.stop();
      rmSync(cwd, { recursive: true, force: true });
    },
  };
}

async function openReal(config: Config, variables: Variables): Promise<FluxUnderTest> {
  const { command, env, folder, disk, stop } = await startRealFlux({
    config,
    initrc: "-- no shell plugins\n",
    env: variables,
  });
  return {
    kind: "real",
    disk,
    run: (args, input) => runCommand(command, args, { env, cwd: folder, input }),
    spawn: (args) => spawnCommand(command, args, { env, cwd: folder }),
    async stall(rank) {
      const argv = ["exec", "-n", "-r", String(rank), "flux", "getattr", "broker.pid"];
      const pid = Number((await runCommand(command, argv, { env, cwd: folder })).stdout);
      process.kill(pid, "SIGSTOP");
      return () => process.kill(pid, "SIGCONT");
    },
    stop,
  };
}

/** Opens one instance of each kind for all tests of `body`. */
export function contract(
  body: Body,
  config: Config = () => CONFIG,
  variables: Variables = {},
): void {
  const skip = whyNoRealFlux();
  const play = (open: typeof openEmbedded) => async (test: Tap) => {
    const flux = await open(config, variables);
    test.teardown(() => flux.stop());
    await body(test, flux);
  };
  t.test("these tests run on the embedded Flux", (test) =>
    play(openEmbedded)(test as unknown as Tap),
  );
  t.test("these tests run on a real Flux", { skip: skip ?? false }, (test) =>
    play(openReal)(test as unknown as Tap),
  );
}
