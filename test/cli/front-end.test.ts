/** The programs in sh: `usernetes attr`, `usernetes env` and the front end `flux-usernetes`. */
import { execa } from "execa";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { FakeFlux } from "../fakes/fake-flux.js";

const WORKDIR = "/tmp/usernetes-ƒ2qt1hsjy5";
const record = (workdir: string) =>
  `{"timestamp":1,"name":"claim","context":{"version":1,"hosts":["a"],"workdir":${JSON.stringify(workdir)},"project":"p"}}
{"timestamp":2,"name":"settle","context":{"outcome":"ready","kubeconfig":"/elsewhere"}}`;

type Directory = { testdir(): string };

/** The answers of a stand-in for flux at each level: 0 is this instance, 1 is its parent. */
interface Instances {
  /** The output of `flux job info`, by `LEVEL JOBID`. */
  records?: Record<string, string>;
  /** The output of `flux getattr jobid`, by level. */
  jobids?: string[];
  /** The output of `flux job info` for a job without a record. */
  complaint?: string;
  /** No instance answers. */
  dead?: boolean;
}

function setUp(t: Directory, { records = {}, jobids = [], complaint, dead }: Instances = {}) {
  const info = Object.entries(records).map(
    ([key, text]) => `"${key}") cat <<'END'\n${text}\nEND\n;;`,
  );
  const flux = new FakeFlux(
    t.testdir(),
    `echo "$*" >>"$NOTES/asked"
${dead ? 'echo "flux: ERROR: flux_open: No such file or directory" >&2; exit 1' : ""}
level=0
while [ "$1" = --parent ]; do level=$((level + 1)); shift; done
case "$1 $2" in
  "getattr rank") echo 0 ;;
  "getattr jobid") case $level in
${jobids.map((id, level) => `${level}) echo ${id} ;;`).join("\n")}
    *) echo "flux-getattr: jobid: No such file or directory" >&2; exit 1 ;;
    esac ;;
  "job info") case "$level $3" in
${info.join("\n")}
    *) echo "${complaint ?? "flux-job: No such file or directory: key not found"}" >&2; exit 1 ;;
    esac ;;
esac`,
  );
  flux.program("node", 'echo started >>"$NOTES/node-starts"');
  return {
    flux,
    run: async (args: string[], env: Record<string, string> = {}) => {
      const { exitCode, stdout, stderr } = await execa(packagePath("bin", "usernetes"), args, {
        env: { ...flux.env, ...env },
        extendEnv: false,
        reject: false,
      });
      if (flux.noted("node-starts").length > 0) throw new Error("it started Node.js");
      return { exitCode, stdout, stderr };
    },
  };
}

const printed = (stdout: string) => ({ exitCode: 0, stdout, stderr: "" });
const refused = (exitCode: number, message: string) => ({
  exitCode,
  stdout: "",
  stderr: `usernetes: ${message}`,
});

t.test("a task of the job reads its environment and does not call flux", async (t) => {
  const { flux, run } = setUp(t);
  const env = { USERNETES_WORKDIR: WORKDIR, FLUX_JOB_ID: "ƒx" };
  t.strictSame(await run(["attr", "kubeconfig"], env), printed(`${WORKDIR}/kubeconfig`));
  t.strictSame(await run(["attr", "workdir"], env), printed(WORKDIR));
  t.strictSame(
    await run(["env"], env),
    printed(`export KUBECONFIG=${WORKDIR}/kubeconfig\nexport USERNETES_WORKDIR=${WORKDIR}`),
  );
  t.strictSame(flux.noted("asked"), []);
});

t.test("names are printed in the order of the arguments, or both without arguments", async (t) => {
  const { run } = setUp(t);
  const env = { USERNETES_WORKDIR: "/w" };
  t.strictSame(await run(["attr", "workdir", "kubeconfig"], env), printed("/w\n/w/kubeconfig"));
  t.strictSame(await run(["attr"], env), printed("/w/kubeconfig\n/w"));
});

t.test("the job's record is read if the environment has no cluster", async (t) => {
  const { flux, run } = setUp(t, { records: { "0 ƒ2QT1HSJy5": record(WORKDIR) } });
  const env = { FLUX_JOB_ID: "ƒ2QT1HSJy5" };
  t.strictSame(await run(["attr", "kubeconfig"], env), printed(`${WORKDIR}/kubeconfig`));
  t.strictSame(flux.noted("asked"), ["job info ƒ2QT1HSJy5 usernetes.eventlog"]);
});

t.test("a batch job's instance has the cluster of the job that it is part of", async (t) => {
  const { run } = setUp(t, { jobids: ["ƒouter"], records: { "1 ƒouter": record("/w") } });
  t.strictSame(await run(["attr", "workdir"]), printed("/w"));
  t.strictSame(
    await run(["attr", "workdir"], { FLUX_JOB_ID: "ƒinner" }),
    printed("/w"),
    "the inner job has none",
  );
});

t.test("the innermost cluster is found first", async (t) => {
  const jobids = ["ƒmiddle", "ƒouter"];
  const outer = setUp(t, { jobids, records: { "2 ƒouter": record("/outer") } });
  t.strictSame(await outer.run(["attr", "workdir"]), printed("/outer"));
  const both = setUp(t, {
    jobids,
    records: { "2 ƒouter": record("/outer"), "1 ƒmiddle": record("/middle") },
  });
  t.strictSame(await both.run(["attr", "workdir"]), printed("/middle"));
});

t.test("--jobid names another job's cluster and overrides one's own", async (t) => {
  const { run } = setUp(t, { records: { "0 123": record("/other") } });
  const env = { USERNETES_WORKDIR: "/mine", FLUX_JOB_ID: "ƒx" };
  t.strictSame(await run(["attr", "--jobid", "123", "workdir"], env), printed("/other"));
  t.strictSame(await run(["attr", "workdir", "--jobid=123"], env), printed("/other"));
});

t.test("the last claim of a record counts, and text that resembles one does not", async (t) => {
  const { run } = setUp(t, {
    records: {
      "0 1": `${record("/first")}\n${record("/second")}\n{"timestamp":3,"name":"settle","context":{"note":"\\"name\\":\\"claim\\" \\"workdir\\":\\"/forged\\""}}`,
    },
  });
  t.strictSame(await run(["attr", "--jobid=1", "workdir"]), printed("/second"));
});

t.test("the output of env is safe to eval, whatever the path is", async (t) => {
  const { flux, run } = setUp(t);
  for (const workdir of [
    "/plain/a-b_c.d",
    "/with space",
    "/with'quote",
    '/with"double',
    "/with$(touch x)`touch y`",
    "/with;semicolon&",
    "/with*",
    "/ƒ",
  ]) {
    const { stdout } = await run(["env"], { USERNETES_WORKDIR: workdir });
    const { stdout: reported } = await execa(
      "sh",
      ["-c", `eval "$1"; printf '%s\\n' "$USERNETES_WORKDIR" "$KUBECONFIG"`, "sh", stdout],
      { env: flux.env, extendEnv: false },
    );
    t.equal(reported, `${workdir}\n${workdir}/kubeconfig`);
  }
  t.strictSame(
    await run(["env", "workdir"], { USERNETES_WORKDIR: "/it's" }),
    printed("export USERNETES_WORKDIR='/it'\\''s'"),
  );
});

t.test("a job without a cluster exits with 1 and reports what to do", async (t) => {
  const none =
    "has no cluster: it did not ask for one (--setattr=attributes.user.usernetes=yes), or has none yet";
  const { run } = setUp(t, { records: { "0 ƒy": '{"timestamp":1,"name":"other","context":{}}' } });
  t.strictSame(await run(["attr"], { FLUX_JOB_ID: "ƒx" }), refused(1, `job ƒx ${none}`));
  t.strictSame(await run(["env", "--jobid", "ƒx"]), refused(1, `job ƒx ${none}`));
  t.strictSame(await run(["env", "--jobid", "ƒy"]), refused(1, `job ƒy ${none}`));
});

t.test("a missing job, or another user's, exits with 1 and Flux's message", async (t) => {
  const missing = setUp(t, { complaint: "flux-job: invalid job id" });
  t.strictSame(
    await missing.run(["attr", "--jobid=123"]),
    refused(1, "there is no job 123 in this Flux instance"),
  );
  const denied = setUp(t, { complaint: "flux-job: access is restricted to job/instance owner" });
  t.strictSame(
    await denied.run(["attr", "--jobid=123"]),
    refused(1, "job 123: flux-job: access is restricted to job/instance owner"),
  );
});

t.test("an invalid job ID exits with 2", async (t) => {
  const { run } = setUp(t, { complaint: "flux-job: error parsing jobid: x!: Invalid argument" });
  t.strictSame(
    await run(["attr", "--jobid=x!"]),
    refused(2, 'invalid job ID "x!": expected f58, decimal, hex, dothex, kvs or words'),
  );
});

t.test("attr outside of any job exits with 1", async (t) => {
  const { run } = setUp(t);
  t.strictSame(
    await run(["attr", "kubeconfig"]),
    refused(1, "this is not inside a job: FLUX_JOB_ID is not set; name a job with --jobid JOBID"),
  );
});

t.test("a Slurm job has the directory with the job's name", async (t) => {
  for (const { run, env } of [
    { run: setUp(t, { dead: true }).run, env: {} },
    { run: setUp(t).run, env: { PATH: "/usr/bin:/bin" } },
  ]) {
    const slurm = { ...env, SLURM_JOB_ID: "4711", TMPDIR: "" };
    t.strictSame(
      await run(["attr", "kubeconfig"], slurm),
      printed("/tmp/usernetes-4711/kubeconfig"),
    );
    const exported = "export USERNETES_WORKDIR=/scratch/usernetes-4711";
    t.strictSame(
      await run(["env", "workdir"], { ...slurm, TMPDIR: "/scratch" }),
      printed(exported),
    );
    t.strictSame(
      await run(["attr"], slurm),
      printed("/tmp/usernetes-4711/kubeconfig\n/tmp/usernetes-4711"),
      "all names where none is given",
    );
  }
});

t.test("a missing instance exits with 4", async (t) => {
  const { run } = setUp(t, { dead: true });
  t.strictSame(
    await run(["attr"]),
    refused(4, "no Flux instance answers: this must run inside a Flux job, or set FLUX_URI"),
  );
  t.strictSame(
    await run(["attr", "--jobid=1"]),
    refused(4, "no Flux instance answers: set FLUX_URI"),
  );
});

t.test("a missing flux command exits with 4", async (t) => {
  const { run } = setUp(t);
  const env = { PATH: "/usr/bin:/bin" };
  t.strictSame(
    await run(["attr"], env),
    refused(4, "flux is not on the PATH: this must run inside a Flux job"),
  );
  t.strictSame(await run(["attr", "--jobid=1"], env), refused(4, "flux is not on the PATH"));
});

t.test("wrong usage exits with 2", async (t) => {
  const { run } = setUp(t);
  t.strictSame(
    await run(["atr"]),
    refused(
      2,
      'there is no command "atr"; allowed: attr, env, start-control-plane, start-worker, wait-workers, down, clean, version (see usernetes --help)',
    ),
  );
  t.strictSame(
    await run(["attr", "kubeconf"]),
    refused(2, 'attr: found "kubeconf", allowed: kubeconfig, workdir, --jobid JOBID'),
  );
  t.strictSame(await run(["env", "--jobid"]), refused(2, "--jobid needs a job ID"));
  const { exitCode, stdout, stderr } = await run([]);
  t.equal(exitCode, 2);
  t.equal(stdout, "");
  t.match(stderr, /^Usage: usernetes /);
});

t.test("help and version are printed", async (t) => {
  const { flux, run } = setUp(t);
  for (const args of [
    ["--help"],
    ["-h"],
    ["help"],
    ["help", "attr"],
    ["attr", "--help"],
    ["env", "-h"],
    ["version", "--help"],
  ]) {
    const { exitCode, stdout, stderr } = await run(args);
    t.strictSame({ exitCode, stderr }, { exitCode: 0, stderr: "" });
    t.match(stdout, /^Usage: usernetes .*\nExit codes: 0 done, /s);
  }
  const text = readFileSync(packagePath("package.json"), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  t.strictSame(await run(["version"]), printed(version));
  t.strictSame(await run(["--version"]), printed(version));
  t.strictSame(await run(["version", "x"]), refused(2, 'version: found "x", allowed: nothing'));
  t.strictSame(flux.noted("asked"), []);
});

t.test("Node.js does not read the site's certificates, which takes long", async (t) => {
  // Node.js prints a warning if it cannot read the certificates.
  const env = { NODE_EXTRA_CA_CERTS: "/nowhere/certificates.pem" };
  const node = await execa("node", ["-e", "0"], { env });
  t.match(node.stderr, "/nowhere/certificates.pem");
  const file = packagePath("bin", "flux-usernetes");
  t.match(await execa(file, ["ping", "--help"], { env }), { exitCode: 0, stderr: "" });
});

t.test("the command works through a link, as npm installs it", async (t) => {
  const { flux } = setUp(t);
  const link = join(flux.env["NOTES"] ?? "", "usernetes");
  symlinkSync(packagePath("bin", "usernetes"), link);
  const { stdout } = await execa(link, ["version"], { env: flux.env, extendEnv: false });
  t.match(stdout, /^[0-9]+\.[0-9]+\.[0-9]+/);
});

t.test("the cluster of a job that has ended is reported as removed", async (t) => {
  const gone = `${record("/tmp/usernetes-ƒx")}
{"timestamp":9,"name":"down","context":{"left":[]}}`;
  const { run } = setUp(t, { records: { "0 ƒx": gone } });
  const message = "the cluster of job ƒx has been removed: its job has ended";
  t.strictSame(await run(["attr", "--jobid", "ƒx"]), refused(1, message));
});
