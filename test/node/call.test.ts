/** A call to the agents of some ranks: one flux exec, its nonce, and why it ended. */
import t from "tap";
import type { Command, Input, Outcome } from "../../lib/host/command.js";
import { agentSource } from "../../lib/node/agent-source.js";
import { callNodes, execError, type Called } from "../../lib/node/call.js";
import type { Report } from "../../lib/node/protocol.js";
import { ended } from "../fakes/playing-run.js";

const CALLED: Called = { ranks: [0, 1, 3], env: { PATH: "/bin" }, limitS: 99.5 };

async function call(
  lines: (nonce: string) => string[] = () => [],
  {
    outcome = {},
    called = {},
    signal,
  }: { outcome?: Partial<Outcome>; called?: Partial<Called>; signal?: AbortSignal } = {},
) {
  const reports: Report[] = [];
  const errors: string[] = [];
  const written: string[] = [];
  const input: Input = { write: (line) => written.push(line), end: () => written.push("(end)") };
  let command: Command | undefined;
  const { send, end, over } = callNodes(
    (given, options = {}) => {
      command = given;
      options.onInput?.(input);
      const nonce = given.argv[given.argv.indexOf("usernetes-agent") + 1] ?? "";
      for (const line of lines(nonce)) options.onStderrLine?.(line);
      return Promise.resolve(ended(outcome));
    },
    { ...CALLED, ...called },
    {
      ...(signal ? { signal } : {}),
      onReport: (report) => reports.push(report),
      onError: (rank, why) => errors.push(`${rank} ${why}`),
    },
  );
  send({ do: "checks", env: {}, site: {}, seconds: 1, script: "" });
  end();
  const { why } = await over;
  return { command, reports, errors, written, why };
}

t.test("a call is one flux exec that carries the agent and has an input", async (t) => {
  const { command, written } = await call();
  const { argv = [], env, timeoutMs } = command ?? {};
  t.strictSame(argv.slice(0, 7), ["flux", "exec", "-r", "0-1,3", "-l", "-d", "/"]);
  const agent = ["flux", "python", "-I", "-S", "-c", agentSource(), "usernetes-agent"];
  t.strictSame(argv.slice(7, -3), agent);
  t.match(argv.at(-3), /^[\w-]{12}$/);
  t.strictSame(argv.slice(-2), ["", "110"]);
  t.strictSame(env, { LC_ALL: "C.UTF-8", PATH: "/bin" });
  t.equal(timeoutMs, 114_500, "flux exec gets a little longer than the agents");
  t.strictSame(written, [
    ...['{"do":"checks","env":{},"site":{},"seconds":1,"script":""}', '{"do":"end"}', "(end)"],
  ]);
});

t.test("a call for another user has the uid and the deadline of sudo's command", async (t) => {
  const { command } = await call(undefined, { called: { userid: 1002 } });
  t.strictSame(command?.argv.slice(-2), ["1002", "110"]);
});

t.test("each call has its own nonce, and accepts no reports with another", async (t) => {
  const nonces = new Set<string>();
  for (let i = 0; i < 20; i++)
    await call((nonce) => {
      nonces.add(nonce);
      return [];
    });
  t.equal(nonces.size, 20);
  const { reports } = await call((nonce) => [
    `1: {"nonce":"${nonce}","report":"here"}`,
    `1: {"nonce":"n0nce","report":"here"}`,
    `1: {"report":"here"}`,
    "1: Exit 0",
  ]);
  t.strictSame(reports, [{ report: "here", rank: 1 }]);
});

t.test("flux exec's own errors are passed on by rank, without the command", async (t) => {
  const { errors } = await call(() => [
    "flux-exec: Error: rank 3: flux: No route to host",
    "[1-2]: Exit 3",
    "flux-exec: Error: rank 4: flux: error launching process: No such file or directory",
  ]);
  t.strictSame(errors, ["3 No route to host", "4 No such file or directory"]);
  t.equal(execError("1: flux-exec: Error: rank 3: x: y"), undefined, "a rank cannot forge one");
});

t.test("the reason is flux exec's last line, or its status", async (t) => {
  const invalid = "flux-exec: One or more invalid --ranks specified: 9";
  t.equal((await call(() => [invalid, "0: "], { outcome: { exitCode: 1 } })).why, invalid);
  const long = await call(() => Array.from({ length: 1000 }, () => "x".repeat(9000)));
  t.ok(long.why.length <= 4096);
  const timedOut = { exitCode: undefined, timedOut: true, reason: "Command timed out" };
  t.equal((await call(undefined, { outcome: timedOut })).why, "flux exec timed out");
  const failed = { exitCode: undefined, reason: "spawn flux ENOENT" };
  t.equal((await call(undefined, { outcome: failed })).why, "spawn flux ENOENT");
  t.equal((await call()).why, "flux exec ended with 0");
  t.equal((await call(undefined, { signal: AbortSignal.abort() })).why, "stopped");
});
