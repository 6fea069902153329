/** The prolog and epilog scripts of hold = "perilog", with a stand-in for flux. */
import { execa } from "execa";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { NO as NO_WORDS, YES as YES_WORDS } from "../cluster/yes-or-no.js";
import { FakeFlux } from "../fakes/fake-flux.js";
import { PACKAGE } from "../sandbox/paths.js";

const SETTLED =
  '{"timestamp":1,"name":"settle","context":{"outcome":"ready","kubeconfig":"/w/kubeconfig"}}';

const NOT = [...NO_WORDS, false, null, 0];
const YES = [...YES_WORDS, true, 1, {}, { engine: "podman" }, "maybe", 10];

/** A flux that has this jobspec and gives these answers. Returns a function that runs a script. */
function setUp(
  t: { testdir(): string },
  user: unknown,
  { settles = true, daemon = true, record = "", plain = [] as string[] } = {},
) {
  const jobspec = JSON.stringify({ attributes: { system: { environment: { USER: "x" } }, user } });
  const directory = t.testdir();
  mkdirSync(join(directory, "usernetes.plain"));
  for (const mark of plain) writeFileSync(join(directory, "usernetes.plain", mark), "");
  const flux = new FakeFlux(
    directory,
    `echo "$*" >>"$NOTES/asked"
case "$1 $2 $4" in
  "job info jobspec") cat "$NOTES/jobspec" ;;
  "job info usernetes.eventlog") ${record ? `echo '${record}'` : "exit 1"} ;;
  "job wait-event "*) ${settles ? `echo '${SETTLED}'` : "exit 1"} ;;
  "job eventlog "*) echo '{"timestamp":1,"name":"memo","context":{"usernetes":{"release":true}}}' ;;
  "ping "*) ${daemon ? ":" : "exit 1"} ;;
esac`,
  );
  flux.note("jobspec", jobspec);
  flux.program("sleep", ":");
  return async (kind: "prolog" | "epilog", id = "ƒx") => {
    const script = join(PACKAGE, "etc/flux/system", `${kind}.d`, "usernetes");
    const env = { ...flux.env, FLUX_JOB_ID: id, FLUX_URI: `local://${directory}/local-0` };
    const { exitCode, stdout, stderr } = await execa(script, {
      env,
      extendEnv: false,
      reject: false,
    });
    return { exitCode, stdout, stderr, asked: flux.noted("asked") };
  };
}

t.test("the prolog of a job that does not ask makes one flux call", async (t) => {
  for (const user of [
    undefined,
    {},
    { other: "usernetes" },
    { usernetes_debug: "yes" },
    ...NOT.map((usernetes) => ({ usernetes })),
  ]) {
    const { exitCode, stdout, asked } = await setUp(t, user)("prolog");
    t.strictSame([exitCode, stdout, asked], [0, "", ["job info ƒx jobspec"]], JSON.stringify(user));
  }
});

t.test(
  "neither script calls flux for a job that the daemon has marked as not asking",
  async (t) => {
    for (const kind of ["prolog", "epilog"] as const)
      for (const id of ["ƒx", "fx"])
        t.strictSame(
          await setUp(t, {}, { plain: ["fx"] })(kind, id),
          { exitCode: 0, stdout: "", stderr: "", asked: [] },
          `${kind} of ${id}`,
        );
  },
);

t.test("a mark of another job does not count, nor does a similar name", async (t) => {
  for (const mark of ["fy", "x", "fxx"]) {
    const { stdout } = await setUp(t, { usernetes: "yes" }, { plain: [mark] })("prolog");
    t.match(stdout, "the cluster of ƒx is ready", mark);
  }
});

t.test("the prolog of a job that asks waits until its cluster has settled", async (t) => {
  for (const usernetes of YES) {
    const { exitCode, stdout } = await setUp(t, { before: 1, usernetes, after: false })("prolog");
    t.equal(exitCode, 0);
    t.match(stdout, "the cluster of ƒx is ready", JSON.stringify(usernetes));
    t.notMatch(stdout, "is held");
  }
});

t.test("the prolog of a debug job continues to wait, and no other does", async (t) => {
  for (const [user, held] of [
    [{ usernetes: "yes", usernetes_debug: "YES" }, true],
    [{ usernetes_debug: 1, usernetes: true }, true],
    [{ usernetes: { engine: "docker", debug: true } }, true],
    [{ usernetes: { debug: "yes" }, usernetes_debug: "no" }, false],
    [{ usernetes: { debug: false } }, false],
    [{ usernetes: "yes", usernetes_debug: 0 }, false],
    [{ usernetes: { engine: "docker" }, other: { debug: true } }, false],
  ] as const) {
    const { stdout } = await setUp(t, user)("prolog");
    t.equal(stdout.includes("is held"), held, JSON.stringify(user));
  }
});

t.test("both scripts stop waiting without a daemon, and succeed", async (t) => {
  const gone = { settles: false, daemon: false, record: '{"name":"claim"}' };
  for (const kind of ["prolog", "epilog"] as const) {
    const { exitCode, stderr, asked } = await setUp(t, { usernetes: "yes" }, gone)(kind);
    t.equal(exitCode, 0);
    t.match(stderr, "usernetes: no flux-usernetes daemon runs in this instance");
    t.equal(asked.filter((line) => line.startsWith("ping")).length, 20);
  }
});

t.test("the epilog of a job without a cluster makes one flux call", async (t) => {
  const { exitCode, stdout, asked } = await setUp(t, {})("epilog");
  t.strictSame([exitCode, stdout, asked], [0, "", ["job info ƒx usernetes.eventlog"]]);
});
