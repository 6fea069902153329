/** Tests of flux exec, which runs the steps on the nodes. */
import { contract } from "./contract.js";

contract((t, flux) => {
  const sh = (ranks: string, script: string, ...options: string[]) =>
    flux.run(["exec", ...options, "-r", ranks, "sh", "-c", script]);
  const lines = (text: string) => text.trim().split("\n").sort();

  t.test("each rank runs the command on its own host", async (t) => {
    const { stdout, exitCode } = await flux.run(["exec", "-l", "-n", "-r", "all", "hostname"]);
    t.equal(exitCode, 0);
    t.same(lines(stdout), ["0: node0", "1: node1", "2: node2", "3: node3"]);
    const some = await flux.run([
      "exec",
      "-l",
      "-n",
      "-r",
      "0-3",
      "-x",
      "0,2",
      "flux",
      "getattr",
      "rank",
    ]);
    t.same(lines(some.stdout), ["1: 1", "3: 3"]);
  });

  t.test("flux exec exits with the largest status, and reports each", async (t) => {
    const each = await sh("0-3", "exit $(flux getattr rank)");
    t.equal(each.exitCode, 3);
    t.same(lines(each.stderr), ["1: Exit 1", "2: Exit 2", "3: Exit 3"]);
    const same = await sh("1-2", "echo out; echo err >&2; exit 3", "-l");
    t.equal(same.exitCode, 3);
    t.same(lines(same.stdout), ["1: out", "2: out"]);
    t.same(lines(same.stderr), ["1: err", "2: err", "[1-2]: Exit 3"]);
    t.same(lines((await sh("1-2", "echo err >&2; exit 3", "-q", "-l")).stderr), [
      "1: err",
      "2: err",
    ]);
    t.match(await sh("1", "kill -9 $$"), { exitCode: 137, stderr: "1: Killed\n" });
    t.match(await sh("1", "kill -15 $$"), { exitCode: 143, stderr: "1: Terminated\n" });
  });

  t.test("a missing command gives 127", async (t) => {
    const text = "error launching process: No such file or directory";
    const { exitCode, stderr } = await flux.run(["exec", "-r", "1-2", "/nonexistent"]);
    t.equal(exitCode, 127);
    t.same(
      lines(stderr),
      [1, 2].map((rank) => `flux-exec: Error: rank ${rank}: /nonexistent: ${text}`),
    );
  });

  t.test("a file that is not a program gives 126", async (t) => {
    t.match(await flux.run(["exec", "-n", "-r", "1", "/etc/passwd"]), {
      exitCode: 126,
      stderr: /^flux-exec: Error: rank 1: .* error launching process: Permission denied\n$/,
    });
    t.equal((await flux.run(["run", "/etc/passwd"])).exitCode, 126);
  });

  t.test("a rank that does not exist refuses the call", async (t) => {
    for (const ranks of ["9", "0-9"])
      t.match(await flux.run(["exec", "-r", ranks, "true"]), {
        exitCode: 1,
        stderr: `flux-exec: One or more invalid --ranks specified: ${ranks}\n`,
      });
    t.match(await flux.run(["exec", "-x", "0-3", "true"]), {
      exitCode: 1,
      stderr: "flux-exec: No targets specified\n",
    });
    t.match(await flux.run(["exec", "-r", "foo", "true"]), {
      exitCode: 1,
      stderr: "flux-exec: failed to decode idset 'foo': Invalid argument\n",
    });
  });

  t.test("stdin goes to every rank", async (t) => {
    const script = "echo $1 $(flux getattr rank)\n";
    const { stdout } = await flux.run(
      ["exec", "-l", "-r", "1-2", "sh", "-s", "--", "word"],
      script,
    );
    t.same(lines(stdout), ["1: word 1", "2: word 2"]);
    const copied = await flux.run(["exec", "-r", "3", "cat"], "one\ntwo ƒ\nthree");
    t.equal(copied.stdout, "one\ntwo ƒ\nthree");
  });

  t.test("stdin arrives once each rank has started or failed to start", async (t) => {
    const program = `${flux.disk}/echo-input`;
    const script = "#!/bin/sh\necho started >&2\ntimeout 1 cat\necho status $? >&2\n";
    await sh("1", `printf '%s' '${script}' > ${program}; chmod 755 ${program}`);
    const failed = await flux.run(["exec", "-l", "-r", "1-2", program], "word\n");
    t.match(failed, { exitCode: 127, stdout: "1: word\n" });
    t.match(failed.stderr, /^1: status 0$/m);
    t.match(failed.stderr, /rank 2: .*: error launching process: No such file or directory/);
    const resume = await flux.stall(2);
    const live = flux.spawn(["exec", "-l", "-r", "1-2", "sh", "-c", script]);
    live.child.stdin.end("word\n");
    const text = { stdout: "", stderr: "" };
    const isOver = new Promise<void>((resolve) => {
      live.child.stderr.on("data", (chunk) => {
        text.stderr += String(chunk);
        if (text.stderr.includes("1: status")) resolve();
      });
    });
    live.child.stdout.on("data", (chunk) => (text.stdout += String(chunk)));
    await isOver;
    resume();
    t.equal(await live.ended, 0);
    t.strictSame(lines(text.stdout), ["2: word"], "one that does not answer holds it back");
    t.match(text.stderr, /^1: status 124$/m);
    t.match(text.stderr, /^2: status 0$/m);
  });

  t.test("the command runs in the requested directory", async (t) => {
    t.equal((await flux.run(["exec", "-r", "1", "-d", "/", "pwd"])).stdout, "/\n");
  });

  t.test("a rank's disk is its own", async (t) => {
    await flux.run(["exec", "-r", "1", "sh", "-c", `echo here > ${flux.disk}/mark`]);
    const { stdout, exitCode } = await sh("0-2", `cat ${flux.disk}/mark`, "-l");
    t.equal(exitCode, 1);
    t.same(lines(stdout), ["1: here"]);
    const echoed = await flux.run([
      "exec",
      "-r",
      "2",
      "sh",
      "-c",
      'echo "$1"',
      "sh",
      `${flux.disk}/x`,
    ]);
    t.equal(echoed.stdout, `${flux.disk}/x\n`);
  });

  t.test("stderr streams while the command runs", async (t) => {
    const script = "echo early >&2; read -r line; test $line = late";
    const live = flux.spawn(["exec", "-r", "1", "sh", "-c", script]);
    const early = new Promise((resolve) => live.child.stderr.once("data", resolve));
    t.equal(String(await early), "early\n");
    live.child.stdin.end("late\n");
    t.equal(await live.ended, 0);
  });

  for (const signal of ["SIGTERM", "SIGKILL"] as const)
    t.test(`${signal} to flux exec ends what it started`, async (t) => {
      const script = "echo $$ >&2; exec sleep 60";
      const live = flux.spawn(["exec", "-n", "-r", "1", "sh", "-c", script]);
      const pid = Number(
        String(await new Promise((resolve) => live.child.stderr.once("data", resolve))),
      );
      live.child.kill(signal);
      await live.ended;
      await t.resolves(gone(pid));
    });
  t.end();
});

/** Resolves when the process has exited. */
async function gone(pid: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`process ${pid} still runs`);
}
