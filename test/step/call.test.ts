import t from "tap";
import type { Command, Outcome, RunOptions } from "../../lib/host/command.js";
import { runCall, type Call, type StepEnd } from "../../lib/step/call.js";
import { ended } from "../fakes/playing-run.js";

const CALL: Call = { steps: ["stage", "up"], ranks: [0, 1], env: { PATH: "/bin" }, limitS: 30 };

/** What is said on stderr by whom knows the call's nonce, and how flux exec ends. */
type Script = (
  say: (line: string) => void,
  nonce: string,
  now: { options: RunOptions; told: StepEnd[]; lose: (rank: number) => void },
) => Partial<Outcome>;

async function play(
  script: Script,
  call: Partial<Call> = {},
  signal = new AbortController().signal,
) {
  const ends: StepEnd[] = [];
  const lost = new Set<number>();
  const changes: (() => void)[] = [];
  const lose = (rank: number) => {
    lost.add(rank);
    for (const change of changes) change();
  };
  let command: Command | undefined;
  const stdout = await runCall(
    (given, options = {}) => {
      command = given;
      const nonce = given.argv[given.argv.indexOf("usernetes") + 1] ?? "";
      const say = options.onStderrLine ?? (() => undefined);
      return Promise.resolve(ended(script(say, nonce, { options, told: ends, lose })));
    },
    { ...CALL, ...call },
    {
      signal,
      isLost: (rank) => lost.has(rank),
      onChange: (callback) => {
        changes.push(callback);
        return () => undefined;
      },
      onEnd: (end) => {
        ends.push(end);
      },
    },
  );
  return { stdout, ends, lines: ends.map(describe), command };
}

const describe = ({ step, rank, status, note, next }: StepEnd) =>
  `${step} ${rank} ${status}${note ? ` (${note})` : ""}${next ? ` > ${next}` : ""}`;

t.test("a call is one flux exec with the scripts and limits of its steps", async (t) => {
  const { command } = await play(() => ({}), { steps: ["stage", "kubeadm-init"], limitS: 200.2 });
  const { argv = [], env, timeoutMs } = command ?? {};
  t.strictSame(argv.slice(0, 10), [
    ...["flux", "exec", "-r", "0-1", "-l", "-n", "-d", "/", "sh", "-c"],
  ]);
  const after = argv.slice(argv.indexOf("usernetes") + 1);
  t.match(after[0], /^[\w-]{12}$/);
  t.strictSame(
    after.filter((_, i) => i % 3 === 1),
    ["stage", "kubeadm-init"],
  );
  t.strictSame(
    after.filter((_, i) => i > 0 && i % 3 === 2),
    ["120", "201"],
    "no more than is left",
  );
  t.strictSame(env, { PATH: "/bin" });
  t.equal(timeoutMs, 215_200, "flux exec gets a little longer than the nodes");
});

t.test("each call has a nonce of its own", async (t) => {
  const nonces = new Set<string>();
  for (let i = 0; i < 20; i++)
    await play((_say, nonce) => {
      nonces.add(nonce);
      return {};
    });
  t.equal(nonces.size, 20);
});

t.test("each rank's end is told as it comes, with what it goes on with", async (t) => {
  const { lines } = await play((say, nonce, { told }) => {
    say(`1: ${nonce} end stage 0`);
    t.strictSame(told.map(describe), ["stage 1 ok > up"]);
    say(`0: ${nonce} end stage 0`);
    say(`1: ${nonce} end up 0`);
    say(`0: ${nonce} end up 0`);
    return {};
  });
  t.strictSame(lines, ["stage 1 ok > up", "stage 0 ok > up", "up 1 ok", "up 0 ok"]);
});

t.test(
  "a step that failed is told with its status and last words, and ends its rank",
  async (t) => {
    const { ends, lines } = await play((say, nonce) => {
      say(`0: ${nonce} tail stage pulling`);
      say(`1: ${nonce} end stage 0`);
      say(`0: ${nonce} tail stage no space left`);
      say(`0: ${nonce} end stage 2`);
      say(`1: ${nonce} end up 1`);
      return {};
    });
    t.strictSame(lines, [
      "stage 1 ok > up",
      "stage 0 failed (exit 2: no space left)",
      "up 1 failed (exit 1)",
    ]);
    t.strictSame(ends[1]?.tail, ["pulling", "no space left"]);
    t.strictSame(ends[0]?.tail, [], "each rank has its own");
  },
);

t.test("each end says whether other ranks are still to end that step", async (t) => {
  const { ends } = await play((say, nonce) => {
    say(`1: ${nonce} end stage 0`);
    say(`1: ${nonce} end up 0`);
    say(`0: ${nonce} end stage 0`);
    say(`0: ${nonce} end up 1`);
    return {};
  });
  t.strictSame(
    ends.map(({ step, rank, more }) => ({ step, rank, more })),
    [
      { step: "stage", rank: 1, more: true },
      { step: "up", rank: 1, more: true },
      { step: "stage", rank: 0, more: false },
      { step: "up", rank: 0, more: false },
    ],
  );
  const lost = await play(() => ({ exitCode: 1 }), { ranks: [0, 1, 2] });
  t.strictSame(
    lost.ends.map(({ more }) => more),
    [true, true, false],
  );
});

t.test("a step that ran out of its time is told with that time", async (t) => {
  for (const exit of [124, 137]) {
    const { lines } = await play(
      (say, nonce) => {
        say(`0: ${nonce} tail stage waiting for docker`);
        say(`0: ${nonce} end stage ${exit}`);
        return {};
      },
      { ranks: [0] },
    );
    t.strictSame(lines, ["stage 0 timeout (timed out after 30 s: waiting for docker)"]);
  }
});

t.test("a rank that is lost is told in flux exec's words, at the step it was at", async (t) => {
  const { lines } = await play((say, nonce) => {
    say(`0: ${nonce} end stage 0`);
    say("flux-exec: Error: rank 1: sh -c lots of script: No route to host");
    say(`0: ${nonce} end up 0`);
    return { exitCode: 68 };
  });
  t.strictSame(lines, ["stage 0 ok > up", "up 0 ok", "stage 1 lost (No route to host)"]);
});

t.test("a call that is refused as a whole loses every rank", async (t) => {
  const { lines } = await play((say) => {
    say("flux-exec: One or more invalid --ranks specified: 9");
    return { exitCode: 1 };
  });
  t.strictSame(
    lines,
    [0, 1].map(
      (rank) => `stage ${rank} lost (flux-exec: One or more invalid --ranks specified: 9)`,
    ),
  );
});

t.test("where sudo lets us run nothing, the step has failed for good", async (t) => {
  const refuse: Script = (say) => {
    say("1: sudo: a password is required");
    return { exitCode: 1 };
  };
  const { lines, ends } = await play(refuse, { userid: 1002 });
  t.strictSame(lines, [
    "stage 0 lost (1: sudo: a password is required)",
    "stage 1 failed (exit 1: sudo: a password is required; the rule of etc/sudoers.d/usernetes is needed on this node)",
  ]);
  t.equal(ends[1]?.fault, "permanent");
  const owners = await play(refuse);
  t.match(owners.lines[1], /^stage 1 lost/, "the owner's steps need no sudo");
});

t.test("a status is not guessed: success without an end is lost", async (t) => {
  const { lines } = await play((say, nonce) => {
    say(`0: ${nonce} end stage 0`);
    return {};
  });
  t.strictSame(lines, [
    "stage 0 ok > up",
    "up 0 lost (flux exec ended with 0)",
    "stage 1 lost (flux exec ended with 0)",
  ]);
});

t.test("no step can forge an end", async (t) => {
  const { lines } = await play(
    (say, nonce) => {
      say("0: n0nce end stage 0");
      say("0: end stage 0");
      say("0: Exit 0");
      say("[0]: Exit 0");
      say(`0: ${nonce.toLowerCase()}x end stage 0`);
      say(`0: ${nonce} end stage 1`);
      return {};
    },
    { ranks: [0] },
  );
  t.strictSame(lines, ["stage 0 failed (exit 1)"]);
});

t.test("a rank that is not of the call, or has ended, is not told of", async (t) => {
  const { lines } = await play(
    (say, nonce) => {
      say(`7: ${nonce} end stage 0`);
      say(`0: ${nonce} end stage 1`);
      say(`0: ${nonce} end stage 0`);
      return {};
    },
    { ranks: [0] },
  );
  t.strictSame(lines, ["stage 0 failed (exit 1)"]);
});

t.test("a flux exec that does not end in time", async (t) => {
  const { lines } = await play(
    (say, nonce) => {
      say(`0: ${nonce} end stage 0`);
      return { exitCode: undefined, timedOut: true, reason: "Command timed out after 45000 ms" };
    },
    { ranks: [0] },
  );
  t.strictSame(lines, ["stage 0 ok > up", "up 0 lost (flux exec timed out)"]);
});

t.test("a flux exec that could not be started says why", async (t) => {
  const { lines } = await play(() => ({ exitCode: undefined, reason: "spawn flux ENOENT" }), {
    ranks: [4],
  });
  t.strictSame(lines, ["stage 4 lost (spawn flux ENOENT)"]);
});

t.test("a call that is not wanted any more is stopped, and says so", async (t) => {
  const controller = new AbortController();
  const { lines } = await play(
    (_say, _nonce, { options }) => {
      t.notOk(options.signal?.aborted);
      controller.abort();
      t.ok(options.signal?.aborted, "flux exec gets the signal");
      return { exitCode: 143 };
    },
    {},
    controller.signal,
  );
  t.strictSame(lines, ["stage 0 lost (stopped)", "stage 1 lost (stopped)"]);
});

t.test("stdout comes without flux exec's labels", async (t) => {
  const { stdout } = await play(
    (say, nonce) => {
      say(`3: ${nonce} end join-command 0`);
      return { stdout: "3: kubeadm join 10.0.0.1:6443\n3: second line\n" };
    },
    { steps: ["join-command"], ranks: [3] },
  );
  t.equal(stdout, "kubeadm join 10.0.0.1:6443\nsecond line\n");
});

t.test("a note stays short whatever is said", async (t) => {
  const { ends } = await play((say) => {
    for (let i = 0; i < 1000; i++) say("x".repeat(5000));
    return { exitCode: 1 };
  });
  t.ok(ends.every(({ note }) => note.length <= 300));
});

t.test(
  "what a step printed is told in clean lines without secrets, and no more than it may be",
  async (t) => {
    const { ends } = await play(
      (say, nonce) => {
        for (let i = 0; i < 1000; i++) say(`0: ${nonce} tail up ${i}`);
        say(`0: ${nonce} tail up \u001b[31mred\0 \ufffd --token abcdef.0123456789abcdef`);
        say(`0: ${nonce} end up 1`);
        return { exitCode: 0 };
      },
      { steps: ["up"], ranks: [0] },
    );
    t.match(ends, [{ status: "failed", note: "exit 1: red  \ufffd --token [token]" }]);
    t.equal(ends[0]?.tail.length, 12);
  },
);

t.test("a step that went well has its last lines, and none of an earlier try", async (t) => {
  const { ends, lines } = await play(
    (say, nonce) => {
      say(`0: ${nonce} tail up no luck\x1e-- exit 2 --\x1e  up on node0\x1e\x1e`);
      say(`0: ${nonce} end up 0`);
      say(`1: ${nonce} tail up -- exit 2 --`);
      say(`1: ${nonce} end up 2`);
      return { exitCode: 0 };
    },
    { steps: ["up"] },
  );
  t.strictSame(lines, ["up 0 ok", "up 1 failed (exit 2)"]);
  t.strictSame(ends[0]?.tail, ["  up on node0", ""]);
});

t.test("a rank whose broker is lost ends at once, and a flux exec that hangs on it", async (t) => {
  const { lines } = await play((say, nonce, { options, lose, told }) => {
    say(`0: ${nonce} end stage 0`);
    lose(1);
    t.match(told.at(-1), { rank: 1, status: "lost" });
    t.notOk(options.signal?.aborted, "the other rank goes on");
    say(`0: ${nonce} end up 0`);
    t.ok(options.signal?.aborted, "nothing is left to wait for");
    return { exitCode: undefined };
  });
  t.strictSame(lines, ["stage 0 ok > up", "stage 1 lost (the node was lost)", "up 0 ok"]);
});
