/** The CLI plugin and the job validator refuse and accept the same attributes as the daemon. */
import { fc } from "../random.js";
import t from "tap";
import { parseRequest } from "../../lib/cluster/request.js";
import { playPlugin, playPlugins, whyNoPython } from "../fakes/flux-plugins.js";
import { REQUEST_CASES } from "../cluster/request-cases.js";

const options = { skip: whyNoPython ?? false };

for (const by of ["cli", "validator"] as const)
  t.test(`the ${by} plugin refuses and accepts the same attributes as the daemon`, options, (t) => {
    const answers = playPlugins(REQUEST_CASES.map(({ user }) => ({ by, attributes: { user } })));
    for (const [index, { user, ...expected }] of REQUEST_CASES.entries()) {
      const { error, asks } = answers[index] ?? {};
      const reported = error === undefined ? { asks } : { refused: error };
      t.same(reported, expected, JSON.stringify(user).slice(0, 80));
    }
    t.end();
  });

t.test("the CLI plugin agrees with the daemon on random attributes", options, (t) => {
  const word = fc.constantFrom(
    "yes",
    "No",
    "",
    "auto",
    "podman",
    "/a/b",
    "2",
    "engine",
    "debug",
    "x\u001b🦊",
  );
  const value = fc.oneof(
    word,
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(word, { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom("engine", "debug", "tolerate", "schedule_on_lead", "template", "other"),
      word,
      { maxKeys: 3 },
    ),
  );
  const key = fc.constantFrom(
    ...["usernetes", "usernetes_engine", "usernetes_debug", "usernetes_tolerate"],
    ...["usernetes_schedule_on_lead", "usernetes_template"],
  );
  const users = fc.sample(fc.dictionary(key, value), 2000);
  const answers = playPlugins(users.map((user) => ({ by: "cli", attributes: { user } })));
  const differ = users.filter((user, index) => {
    const request = parseRequest(user);
    const { error } = answers[index] ?? {};
    return error !== ("refused" in request ? request.refused : undefined);
  });
  t.same(differ, []);
  t.equal(answers.length, users.length);
  t.end();
});

t.test("a jobspec without user attributes asks for nothing", options, (t) => {
  for (const by of ["cli", "validator"] as const)
    for (const attributes of [null, {}, { user: null }, { user: "usernetes" }, { user: [] }])
      t.same(playPlugin({ by, attributes }), { attributes, asks: null });
  t.end();
});

t.test("a value that is too deep to show is refused", options, (t) => {
  const deep = JSON.parse(`${"[".repeat(900)}${"]".repeat(900)}`) as unknown;
  for (const by of ["cli", "validator"] as const) {
    const { error } = playPlugin({ by, attributes: { user: { usernetes: deep } } });
    t.match(error, /^attributes\.user\.usernetes: found .{1,80}, allowed: yes or no/);
  }
  t.end();
});

const submitted = (usernetes: boolean, given?: string, user: Record<string, unknown> = {}) => {
  const options = given === undefined ? {} : { options: given };
  const { error, attributes } = playPlugin({ attributes: { user }, usernetes, ...options });
  return error ?? attributes?.user;
};

t.test("--usernetes asks for a cluster, and its options configure it", options, (t) => {
  t.same(submitted(false), {});
  t.same(submitted(true), { usernetes: "yes" });
  t.same(submitted(true, "engine=podman,debug,tolerate=1"), {
    usernetes: "yes",
    usernetes_engine: "podman",
    usernetes_debug: "yes",
    usernetes_tolerate: "1",
  });
  t.same(submitted(true, "schedule-on-lead"), {
    usernetes: "yes",
    usernetes_schedule_on_lead: "yes",
  });
  t.same(submitted(true, "template=calico"), {
    usernetes: "yes",
    usernetes_template: "calico",
  });
  t.same(submitted(true, "debug=no,"), { usernetes: "yes", usernetes_debug: "no" });
  t.end();
});

t.test("attributes of --setattr are kept unless the options contradict them", options, (t) => {
  t.same(submitted(true, "debug", { usernetes: { engine: "podman" }, other: 1 }), {
    usernetes: { engine: "podman" },
    usernetes_debug: "yes",
    other: 1,
  });
  t.same(submitted(true, undefined, { usernetes: "no" }), { usernetes: "yes" });
  t.end();
});

t.test("wrong options are refused at once, with what is allowed", options, (t) => {
  for (const [given, words] of [
    [
      "engin=podman",
      'found "engin", allowed: engine=NAME, debug, tolerate=N, schedule-on-lead, template=NAME',
    ],
    ["engine", "engine needs a value: engine=..."],
    ["engine=rkt", 'engine: found "rkt", allowed: docker, podman or nerdctl'],
    [
      "debug=perhaps",
      'debug: found "perhaps", allowed: yes or no (also true, on, 1, false, off, 0)',
    ],
    ["debug,tolerate=some", 'tolerate: found "some", allowed: a whole number of workers'],
  ] as const)
    t.equal(submitted(true, given), `--usernetes-options: ${words}`);
  t.equal(
    submitted(false, "debug"),
    "--usernetes-options: given without --usernetes, which asks for the cluster",
  );
  t.end();
});
