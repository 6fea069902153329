/** A command that fails prints one line and exits with the code of the error. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import t, { type Test } from "tap";
import { packagePath } from "../../lib/host/package.js";
import { FakeFlux } from "../fakes/fake-flux.js";

const main = packagePath("dist", "bundle", "flux-usernetes.js");

/** Runs a command. The script `flux` is a stand-in for Flux. */
function command(t: Test, flux: string, ...words: string[]) {
  const { env } = new FakeFlux(t.testdir(), flux);
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
    env,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

t.test("a command of the Python tool is refused, and the error names its replacement", (t) => {
  for (const [word, instead] of [
    ["ports", "each cluster gets free ports by itself (usernetes.ports)"],
    ["top-level", "`flux getattr instance-level` prints 0"],
    ["broker", "`flux usernetes status JOB` shows the lead"],
  ] as const) {
    const { status, stdout, stderr } = command(t, "exit 1", word, "x");
    t.strictSame(
      { status, stdout, lines: stderr.split("\n").length },
      {
        ...{ status: 2, stdout: "", lines: 2 },
      },
    );
    t.ok(stderr.startsWith(`flux-usernetes: there is no command ${word}: ${instead}`), stderr);
  }
  t.equal(command(t, "exit 1", "nonsense").status, 2, "as any that does not exist");
  t.end();
});

const INSTANCE = `case "$*" in
  *"getattr instance-level"*) echo 0 ;;
  *"getattr "*) echo 0 ;;
  *"config get"*) cat "$NOTES/table" ;;
  *) echo '{"rank": 0}' ;;
esac`;

t.test("up names the missing key usernetes.template and what to do", (t) => {
  const table = join(t.testdirName, "flux.toml");
  const script = `printf '[usernetes]\\nworkdir = "/tmp"\\n' >${table}; ${INSTANCE}`;
  const { status, stderr } = command(t, script, "up", "--config", table);
  t.equal(status, 3);
  const words = "usernetes.template: not set; set it to the usernetes clone that is on each node";
  t.ok(stderr.startsWith(`flux-usernetes: ${table}: ${words}`), stderr);
  t.end();
});

/** A flux with a job whose jobspec is longer than the output that is accepted of most programs. */
const BIG = `case "$*" in
  "jobs "*) echo "5 0 root {" ;;
  "job info "*" eventlog") echo '{"timestamp":1,"name":"submit","context":{"userid":0}}' ;;
  "job info "*" jobspec")
    printf '{"attributes":{"user":{"usernetes":"yes"},"system":{"files":{"f":"'
    head -c 2500000 /dev/zero | tr '\\0' x
    echo '"}}}}' ;;
  "job info "*) cat "$NOTES/record" ;;
  "getattr "*) echo 0 ;;
  *) echo "flux-kvs: No such file or directory" >&2; exit 1 ;;
esac`;
const RECORD = [
  `{"timestamp":2,"name":"claim","context":{"version":1,"ranks":"0","lead":0,"hosts":["node0"],"userid":0,"engine":"docker","workdir":"/tmp/usernetes-f5","project":"usernetes-f5","ports":{"etcd":1,"kubelet":2,"flannel":3,"apiserver":4},"subnet":"10.100.0.0/24","deadline":900}}`,
  "",
].join("\n");

t.test("one job with a large jobspec is listed, and so are the others", (t) => {
  const flux = new FakeFlux(t.testdir(), BIG);
  flux.note("record", RECORD);
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, "list", "-n"], {
    ...{ env: flux.env, encoding: "utf8" },
  });
  t.strictSame({ status, stderr }, { status: 0, stderr: "" });
  t.match(stdout, /^ +[ƒf]6 \S+ +starting +0\/1 docker .* node0 +node0\n$/);
  t.end();
});

t.test("an answer beyond the larger limit exits with 1", (t) => {
  const flux = `case "$*" in
    "jobs "*) head -c 140000000 /dev/zero | tr '\\0' x ;;
    *) echo 0 ;;
  esac`;
  const { status, stderr } = command(t, flux, "list");
  t.equal(status, 1);
  t.equal(stderr, "flux-usernetes: flux jobs: it printed more than 134217728 characters\n");
  t.end();
});
