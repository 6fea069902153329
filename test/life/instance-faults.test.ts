/** Faults of the cluster of the whole instance: failed steps, signals and kill -9. */
import { until } from "../hosts/until.js";
import { spawnCommand } from "../hosts/run-command.js";
import type { LifeFlux } from "./flux.js";
import { life } from "./life.js";
import { loggedRanks } from "./logged-ranks.js";

const UP = ["flux-usernetes", "up", "--pass-env", "TESTBED"];
/** `down` uses the environment and the time limit with which the cluster was made. */
const DOWN = ["flux-usernetes", "down"];

/** Starts an `up` without waiting for its end. `printed` is its stderr so far. */
function begin(flux: LifeFlux, ...args: string[]) {
  const [command = "", ...rest] = [...UP, ...args];
  const up = spawnCommand(command, rest, { env: flux.place.env, cwd: flux.place.common });
  const reported = { printed: "" };
  up.child.stderr.setEncoding("utf8").on("data", (chunk: string) => (reported.printed += chunk));
  const isUp = () =>
    until("up on both", () => loggedRanks(reported.printed, "instance: up", "ok").length === 2);
  return { up, reports: reported, isUp };
}

life(
  async (t, flux) => {
    await t.test(
      "a step that fails permanently is reported, and the cluster is torn down",
      async (t) => {
        flux.fault("node1.kubeadm-join", "exit 4");
        const { stdout, exitCode, stderr } = await flux.run(UP);
        flux.fault("node1.kubeadm-join", undefined);
        t.equal(exitCode, 1);
        t.equal(stdout, "");
        t.match(
          stderr,
          /\nflux-usernetes: kubeadm-join failed on node1 \(rank 1\) \(3 tries\): .*; nothing is left\n$/,
        );
        t.same(await flux.leftovers(), []);
      },
    );

    await t.test("a teardown with leftovers reports them, and can be repeated", async (t) => {
      const quick = ["--config", flux.table('teardown-timeout = "3s"')];
      t.equal((await flux.run([...UP, ...quick])).exitCode, 0);
      flux.fault("node1.engine", "hang");
      flux.fault("node1.down-v", "exit 4");
      const { exitCode, stderr } = await flux.run(DOWN);
      t.equal(exitCode, 1);
      t.match(
        stderr,
        /flux-usernetes: leftovers on node1 \(rank 1\): .*; run flux usernetes down again\n$/,
      );
      t.match(await flux.run(UP), {
        exitCode: 1,
        stderr: /not fully removed from ranks 1: /,
      });
      flux.fault("node1.engine", undefined);
      flux.fault("node1.down-v", undefined);
      t.equal((await flux.run(DOWN)).exitCode, 0);
      t.same(await flux.leftovers(), []);
      await flux.flux("resource", "undrain", "1");
    });

    await t.test("a signal to up starts the teardown", async (t) => {
      flux.takes("kubeadm-init", 60);
      const { up, reports: received, isUp } = begin(flux);
      await isUp();
      up.child.kill("SIGINT");
      t.equal(await up.ended, 1);
      t.match(received.printed, /\nflux-usernetes: .*SIGINT; nothing is left\n$/);
      t.same(await flux.leftovers(), []);
    });

    await t.test("a killed up can be repeated, or torn down", async (t) => {
      for (const end of [UP, DOWN]) {
        const { up, isUp } = begin(flux);
        await isUp();
        const second = await flux.run(UP);
        t.match(second, {
          exitCode: 1,
          stderr: /^flux-usernetes: another flux usernetes up or down/,
        });
        up.child.kill("SIGKILL");
        await up.ended;
        flux.takes("kubeadm-init", 0.1);
        const { exitCode, stderr } = await flux.run(end);
        t.equal(exitCode, 0, stderr);
        t.equal((await flux.run(DOWN)).exitCode, 0);
        flux.takes("kubeadm-init", 60);
      }
      flux.takes("kubeadm-init", 0.1);
      t.equal((await flux.run(DOWN)).exitCode, 0);
      t.same(await flux.leftovers(), []);
    });
  },
  "",
  { size: 2 },
);
