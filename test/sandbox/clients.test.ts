/** Tests that both implementations of the flux command (client.pl and cli.ts) behave the same. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import t from "tap";
import { runCommand, type Result } from "../hosts/run-command.js";
import { BIN } from "./paths.js";
import { startInstance } from "./start-instance.js";

const FLUX = join(BIN, "flux");
const CLIENTS: [string, string][] = [
  ["client.pl", ""],
  ["cli.ts", "node"],
];

for (const [name, client] of CLIENTS) {
  const skip = name === "client.pl" && !existsSync("/usr/bin/perl") ? "there is no perl" : false;
  t.test(`the flux command ${name} behaves as flux does`, { skip }, async (t) => {
    const sandbox = await startInstance({ size: 2 });
    t.teardown(() => sandbox.stop());
    const env = { ...sandbox.env, SANDBOX_CLIENT: client };
    const flux = (args: string[], more: Record<string, string> = {}, input = ""): Promise<Result> =>
      runCommand(FLUX, args, { env: { ...env, ...more }, cwd: "/", input });

    await t.test(
      `arguments, environment and directory arrive unchanged with ${name}`,
      async (t) => {
        const odd = 'a "b" \\ $c\n\té';
        const { stdout } = await flux(
          ["exec", "-r", "0", "-n", "sh", "-c", 'printf "%s|" "$1" "$ODD"; pwd', "sh", odd],
          { ODD: odd },
        );
        t.equal(stdout, `${odd}|${odd}|/\n`);
      },
    );

    await t.test(`stdin, both outputs and the status pass through ${name}`, async (t) => {
      const text = randomBytes(300_000).toString("base64");
      const argv = ["sh", "-c", "cat; echo words >&2; exit 3"];
      const { stdout, stderr, exitCode } = await flux(["exec", "-r", "1", ...argv], {}, text);
      t.ok(stdout === text, "all of stdin");
      t.match(stderr, /^words\n/);
      t.equal(exitCode, 3);
    });

    await t.test(`a signal passes through ${name}`, async (t) => {
      // The sleep starts before "up" is printed. In the other order, the signal could arrive
      // between the two. The sleep would then outlive the shell and keep the test's pipe open.
      const script = "trap 'exit 5' TERM; sleep 100 >/dev/null 2>&1 & echo up; wait";
      const argv = ["exec", "-r", "1", "sh", "-c", script];
      const child = spawn(FLUX, argv, { env, stdio: ["ignore", "pipe", "ignore"] });
      child.stdout.once("data", () => child.kill("SIGTERM"));
      t.equal(await new Promise((resolve) => child.on("close", resolve)), 5);
    });

    await t.test(`a reader that exits ends ${name}`, async (t) => {
      const script = '"$0" exec -r 1 -n yes | head -n 1';
      const { stdout } = await runCommand("sh", ["-c", script, FLUX], { env, cwd: "/" });
      t.equal(stdout, "y\n");
    });

    await t.test(`${name} reports a missing instance, and one that exits`, async (t) => {
      t.match(await flux(["getattr", "rank"], { FLUX_URI: "local:///nonexistent" }), {
        exitCode: 1,
        stderr: "flux-getattr: Unable to connect to Flux: No such file or directory\n",
      });
      const waiting = flux(["exec", "-r", "1", "-n", "sleep", "100"]);
      await flux(["exec", "-r", "1", "-n", "sleep", "0.2"]);
      await sandbox.stop();
      t.match(await waiting, {
        exitCode: 1,
        stderr: "flux-exec: lost connection to the broker: Connection reset by peer\n",
      });
    });
  });
}
