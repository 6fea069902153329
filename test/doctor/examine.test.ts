import t from "tap";
import { checkConfig } from "../../lib/config/check.js";
import { examine } from "../../lib/doctor/examine.js";
import type { Command, Outcome, RunOptions } from "../../lib/host/command.js";
import { ended } from "../fakes/playing-run.js";

const config = checkConfig(
  { template: "/opt/u", "container-engine": "podman", engines: ["docker", "podman"] },
  "test",
);

/** Runs `say` with what tells a line of a rank; gives the answers and the command. */
async function ask(
  say: (tell: (line: string) => void, nonce: string) => Partial<Outcome>,
  ranks = [0, 1],
) {
  const commands: Command[] = [];
  const run = (command: Command, options?: RunOptions) => {
    commands.push(command);
    const nonce = command.argv.at(-1) ?? "";
    return Promise.resolve(ended(say((line) => options?.onStderrLine?.(line), nonce)));
  };
  const answers = await examine(run, config, { ranks, env: { PATH: "/bin" } });
  return { ...answers, commands };
}

t.test(
  "all nodes are asked in one call, with nothing of the configuration in its text",
  async (t) => {
    const { commands } = await ask(() => ({}), [0, 1, 5]);
    t.equal(commands.length, 1);
    const [{ argv, env } = { argv: [], env: {} }] = commands;
    t.strictSame(argv.slice(0, 4), ["flux", "exec", "-r", "0-1,5"]);
    t.notMatch(argv.join("\n"), "/opt/u");
    t.match(env, {
      PATH: "/bin",
      USERNETES_ENGINES: "podman docker",
      USERNETES_RUN_AS: "owner",
      USERNETES_COMPOSE_podman: "podman-compose",
      USERNETES_TEMPLATE: "/opt/u",
      USERNETES_PORT_FIRST: "20000",
      USERNETES_PORT_LAST: "29999",
      PORT_ETCD: "20000",
      U7S_PORT_FLANNEL: "20002",
    });
  },
);

t.test("a node's answer is recognized by its nonce only", async (t) => {
  const { told } = await ask((tell, nonce) => {
    tell(`0: ${nonce} make ok`);
    tell(`1: ${nonce} make no missing: make`);
    tell("1: other make ok");
    tell(`1: make ${nonce} ok`);
    return {};
  });
  t.strictSame(told.get(0), new Map([["make", { ok: true, words: "" }]]));
  t.strictSame(told.get(1), new Map([["make", { ok: false, words: "missing: make" }]]));
});

t.test("a node that flux cannot reach has its words", async (t) => {
  const { lost } = await ask((tell, nonce) => {
    tell("flux-exec: Error: rank 1: sh: No route to host");
    tell(`0: ${nonce} end ok`);
    return { exitCode: 68 };
  });
  t.strictSame(lost, new Map([[1, "No route to host"]]));
});

t.test("where flux refuses the whole call, each node has its words", async (t) => {
  const { lost } = await ask((tell) => {
    tell("flux-exec: ERROR: Request requires owner credentials");
    return { exitCode: 1 };
  });
  const words = "flux-exec: ERROR: Request requires owner credentials";
  t.strictSame(
    lost,
    new Map([
      [0, words],
      [1, words],
    ]),
  );
});

t.test("one that runs out of time does not answer", async (t) => {
  const { lost } = await ask((tell, nonce) => {
    tell(`0: ${nonce} end ok`);
    return { exitCode: undefined, timedOut: true };
  });
  t.strictSame(lost, new Map([[1, "it does not answer"]]));
});

t.test("a user's engine is asked through sudo, in the form that the rule allows", async (t) => {
  const commands: Command[] = [];
  const run = (command: Command) => {
    commands.push(command);
    return Promise.resolve(ended({}));
  };
  await examine(run, config, { ranks: [0], env: { PATH: "/bin" }, userid: 1002 });
  const argv = commands[0]?.argv ?? [];
  const from = argv.indexOf("sudo");
  t.match(
    argv.slice(from, from + 16).join(" "),
    /^sudo -n -u #1002 setpriv --pdeathsig TERM timeout -k 5 [0-9]+ env -i PATH=\/bin /,
  );
  t.ok(argv.includes("USERNETES_ENGINES=podman docker"));
  t.notMatch(argv.join("\n"), "shell-plugin");
});
