/** One call asks all nodes, and a node that does not answer is reported. */
import t from "tap";
import { checkConfig, type Config } from "../../lib/config/check.js";
import { examine } from "../../lib/doctor/examine.js";
import type { Command, Outcome, RunOptions } from "../../lib/host/command.js";
import type { Request } from "../../lib/node/protocol.js";
import { ended, firstRequests } from "../fakes/playing-run.js";

const TABLE = { template: "/opt/u", "container-engine": "podman", engines: ["docker", "podman"] };
const CONFIG = checkConfig(TABLE, "test");

interface Asked {
  ranks?: number[];
  userid?: number;
  template?: string;
  config?: Config;
  limitS?: number;
}

type Say = (rank: number, report: string, fields?: Record<string, unknown>) => void;

/** Examines nodes whose reports `play` sends. Returns the answers, the call and its request. */
async function ask(
  play: (say: Say, hear: (line: string) => void) => Partial<Outcome>,
  { ranks = [0, 1], userid, template, config = CONFIG, ...limit }: Asked = {},
) {
  const commands: Command[] = [];
  const requests: Request[] = [];
  const run = async (command: Command, options?: RunOptions) => {
    commands.push(command);
    const nonce = command.argv[command.argv.indexOf("usernetes-agent") + 1] ?? "";
    const hear = (line: string) => options?.onStderrLine?.(line);
    const write = (line: string) => requests.push(JSON.parse(line) as Request);
    options?.onInput?.({ write, end: () => undefined });
    requests.push(...firstRequests(command.argv));
    // The output of a process comes later than its start.
    await Promise.resolve();
    const say: Say = (rank, report, fields = {}) => {
      hear(`${rank}: ${JSON.stringify({ nonce, report, ...fields })}`);
    };
    return ended(play(say, hear));
  };
  const env = { PATH: "/bin" };
  const answers = await examine(run, config, { ranks, env, userid, template, ...limit });
  return { ...answers, commands, request: requests[0] };
}

const check = (id: string, ok = true, text = "") => ({ id, ok, text });

t.test("all nodes are asked in one call, which has no configuration in its text", async (t) => {
  const { commands, request } = await ask(() => ({}), { ranks: [0, 1, 5] });
  t.equal(commands.length, 1);
  const argv = commands[0]?.argv ?? [];
  t.strictSame(argv.slice(0, 4), ["flux", "exec", "-r", "0-1,5"]);
  t.match(request, {
    do: "checks",
    env: {
      PATH: "/bin",
      USERNETES_ENGINES: "podman docker",
      USERNETES_RUN_AS: "owner",
      USERNETES_COMPOSE_podman: "podman-compose",
      USERNETES_TEMPLATE: "/opt/u",
      USERNETES_PORT_FIRST: "20000",
      USERNETES_PORT_LAST: "29999",
      PORT_ETCD: "20000",
      U7S_PORT_FLANNEL: "20002",
    },
  });
  const script = request?.do === "checks" ? request.script : "";
  t.match(script, "shell-plugin");
  t.notMatch(script, "/opt/u");
});

t.test("each node reports its own checks", async (t) => {
  const { reports: reported } = await ask((say) => {
    say(0, "check", check("make"));
    say(1, "check", check("make", false, "missing: make"));
    return {};
  });
  t.strictSame(reported.get(0), new Map([["make", { ok: true, text: "" }]]));
  t.strictSame(reported.get(1), new Map([["make", { ok: false, text: "missing: make" }]]));
});

t.test("a node that flux cannot reach is shown with flux's reason", async (t) => {
  const { lost } = await ask((say, hear) => {
    hear("flux-exec: Error: rank 1: flux: No route to host");
    say(0, "check", check("end"));
    say(0, "checked");
    return { exitCode: 68 };
  });
  t.strictSame(lost, new Map([[1, "No route to host"]]));
});

t.test("each node is shown with the reason if flux refuses the whole call", async (t) => {
  const { lost } = await ask((_, hear) => {
    hear("flux-exec: ERROR: Request requires owner credentials");
    return { exitCode: 1 };
  });
  const reason = "flux-exec: ERROR: Request requires owner credentials";
  t.strictSame(
    lost,
    new Map([
      [0, reason],
      [1, reason],
    ]),
  );
});

t.test("a node that runs out of time counts as one that does not answer", async (t) => {
  const { lost } = await ask((say) => {
    say(0, "check", check("end"));
    return { exitCode: undefined, timedOut: true };
  });
  t.strictSame(lost, new Map([[1, "the node does not answer"]]));
});

t.test("a longer limit for a node is also one for each command there", async (t) => {
  const limits = async (limitS?: number) => {
    const { request } = await ask(() => ({}), limitS === undefined ? {} : { limitS });
    const checks = request?.do === "checks" ? request : undefined;
    return [checks?.seconds, checks?.env["USERNETES_LIMIT"]];
  };
  t.strictSame(await limits(), [100, "15"]);
  t.strictSame(await limits(400), [400, "60"]);
  t.strictSame(await limits(10), [10, "15"], "no command gets less");
});

t.test("a user's engine is checked as that user", async (t) => {
  const { commands, request, lost } = await ask(
    (say) => {
      say(0, "refused", { text: "sudo: a password is required" });
      return {};
    },
    { ranks: [0], userid: 1002 },
  );
  const argv = commands[0]?.argv ?? [];
  const at = argv.indexOf("usernetes-agent");
  t.strictSame(argv.slice(at + 2, at + 4), ["1002", "110"]);
  t.notMatch(request?.do === "checks" ? request.script : "shell-plugin", "shell-plugin");
  t.strictSame(lost, new Map([[0, "sudo: a password is required"]]));
});

t.test("a further template is checked without the rest of the node", async (t) => {
  const { request } = await ask(() => ({}), { template: "calico" });
  const script = request?.do === "checks" ? request.script : "";
  t.match(script, "template_lacks");
  t.notMatch(script, "shell-plugin");
  t.match(request, { env: { USERNETES_WARM: "usernetes_warm_calico" } });
});

t.test("no directory is made for the instance owner with run-as sudo", async (t) => {
  const environment = { TMPDIR: "/tmp/{user}", XDG_RUNTIME_DIR: "/x/{user}", A: "b" };
  const config = checkConfig({ ...TABLE, "run-as": "sudo", environment }, "test");
  const { request } = await ask(() => ({}), { config });
  t.strictSame(request?.do === "checks" && request.site, { A: "b" }, "the owner");
  const asked = await ask(() => ({}), { config, userid: 1001 });
  t.match(asked.request, { site: environment }, "a user");
});
