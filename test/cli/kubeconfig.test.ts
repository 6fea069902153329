/** `flux usernetes kubeconfig` with a stand-in for flux. test/life tests it with the real Flux. */
import { execa } from "execa";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { PACKAGE } from "../sandbox/paths.js";

const ME = process.getuid?.() ?? 0;
const KUBECONFIG = `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: QUJD
    server: https://127.0.0.1:20003
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: kubernetes-admin
  name: kubernetes-admin@kubernetes
current-context: kubernetes-admin@kubernetes
kind: Config
preferences: {}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: QUJD
    client-key-data: QUJD
`;
const REACHED = KUBECONFIG.replace("127.0.0.1", "192.0.2.7");

/** A stand-in for flux. The broker's answers are files in $TOP. `exec` runs on this host. */
const FLUX = `case "$1" in --parent) shift; echo "$*" >>"$TOP/parent"; [ -e "$TOP/inner" ] && rm -f "$TOP/inner" ;; esac
case "$1 $2" in
  "job info") if [ -e "$TOP/inner" ]; then echo "flux-job: $3: key not found" >&2; exit 1; fi; cat "$TOP/record"; [ -s "$TOP/record" ] ;;
  "job id") echo 5 ;;
  "getattr parent-uri") [ -e "$TOP/inner" ] && echo local:///outer ;;
  "getattr security.owner") cat "$TOP/owner" ;;
  "getattr rank") [ ! -e "$TOP/down" ] && echo 1 ;;
  "exec -n") echo "$*" | sed -n '1s/ sh -c .*//p' >>"$TOP/execs"
    [ ! -e "$TOP/refused" ] || { cat "$TOP/refused" >&2; exit 1; }
    while [ "$1" != sh ]; do shift; done; exec sh -c "$3" sh "$TOP/usernetes-ƒ7" "$6" ;;
  *) exit 1 ;;
esac`;

interface Cluster {
  /** The user ID of the job's owner. */
  userid?: number;
  events?: string[];
  owner?: number;
  text?: string;
  marker?: string;
  address?: string;
}

class Place {
  readonly top = mkdtempSync(join(tmpdir(), "usernetes-kubeconfig-"));
  readonly workdir = join(this.top, "usernetes-ƒ7");

  constructor(t: Test, { userid = ME, owner = ME, ...rest }: Cluster = {}) {
    t.teardown(() => {
      rmSync(this.top, { recursive: true, force: true });
    });
    const { text = KUBECONFIG, marker = "5 uuid", address = "HOST_IP=192.0.2.7\n" } = rest;
    const { events = ['{"name":"settle","context":{"outcome":"ready"}}'] } = rest;
    const node = join(this.workdir, ".usernetes/nodes/2");
    mkdirSync(node, { recursive: true });
    mkdirSync(join(this.top, "bin"));
    const claim = { version: 1, ranks: "2-3", lead: 2, userid, workdir: this.workdir };
    const lines = [JSON.stringify({ name: "claim", context: claim }), ...events];
    this.file("record", `${lines.join("\n")}\n`);
    this.file("owner", `${owner}\n`);
    this.file("bin/flux", `#!/bin/sh\n${FLUX}\n`);
    chmodSync(join(this.top, "bin/flux"), 0o755);
    writeFileSync(join(this.workdir, ".usernetes/owner"), `${marker}\n`);
    writeFileSync(join(node, "node.env"), `NODE_NAME=u7s-a\n${address}U7S_HOST_IP=192.0.2.8\n`);
    writeFileSync(join(this.workdir, "kubeconfig"), text, { mode: 0o600 });
  }

  file(name: string, text: string): void {
    writeFileSync(join(this.top, name), text);
  }

  /** Moves the work directory away from this host, as if another host were the lead. */
  elsewhere(): this {
    const record = readFileSync(join(this.top, "record"), "utf8");
    this.file("record", record.replace(this.workdir, "/nowhere/usernetes-ƒ7"));
    return this;
  }

  async ask(...args: string[]) {
    const env = { TOP: this.top, PATH: `${this.top}/bin:/usr/bin:/bin`, LC_ALL: "C.UTF-8" };
    const options = { env, extendEnv: false, reject: false, cwd: this.top } as const;
    const argv = [join(PACKAGE, "bin/flux-usernetes"), "kubeconfig", ...args];
    const { stdout, stderr, exitCode } = await execa("/bin/sh", argv, options);
    return { stdout, stderr, exitCode };
  }

  execs(): string[] {
    const file = join(this.top, "execs");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }
}

const refused = (exitCode: number, words: string) => ({
  stdout: "",
  stderr: `flux-usernetes: kubeconfig: ${words}`,
  exitCode,
});
const given = { stdout: REACHED.trim(), stderr: "", exitCode: 0 };

t.test("the lead reads the file itself, with the lead's address as server", async (t) => {
  const place = new Place(t);
  t.strictSame(await place.ask("ƒ7"), given);
  t.strictSame(place.execs(), []);
});

t.test("the owner on another node asks the lead, and the job's user the shell there", async (t) => {
  const own = new Place(t).elsewhere();
  t.strictSame(await own.ask("7"), given);
  t.strictSame(own.execs(), ["exec -n -q -d / -r 2"]);
  const guest = new Place(t, { owner: ME + 1 }).elsewhere();
  t.strictSame(await guest.ask("7"), given);
  t.strictSame(guest.execs(), ["exec -n -q -d / -j 5 -r 0"]);
});

t.test("the owner reads another user's kubeconfig as that user", async (t) => {
  const place = new Place(t, { userid: ME + 7 }).elsewhere();
  t.strictSame(await place.ask("7"), given);
  t.strictSame(place.execs(), [`exec -n -q -d / -r 2 -- sudo -n -u #${ME + 7}`]);
});

t.test("files that another user could have planted are refused", async (t) => {
  for (const line of ["    exec:", "    tokenFile: /etc/shadow", "    command: $(id)", "evil: |"]) {
    const text = KUBECONFIG.replace("  user:\n", `  user:\n${line}\n`);
    const place = new Place(t, { userid: ME + 7, text }).elsewhere();
    const { exitCode, stdout, stderr } = await place.ask("7");
    t.strictSame({ exitCode, stdout }, { exitCode: 1, stdout: "" }, line);
    t.match(stderr, `has a line that kubeadm does not write: ${line}`);
    const own = new Place(t, { text }).elsewhere();
    t.equal((await own.ask("7")).exitCode, 0, "one's own is one's own business");
  }
});

t.test("--output writes a private file and prints its path", async (t) => {
  const place = new Place(t);
  const file = join(place.top, "kc");
  symlinkSync(join(place.top, "elsewhere"), file);
  t.strictSame(await place.ask("--output", "kc", "7"), { stdout: file, stderr: "", exitCode: 0 });
  t.equal(readFileSync(file, "utf8"), REACHED);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.notOk(existsSync(join(place.top, "elsewhere")), "a link is replaced, not followed");
  t.match(await place.ask("7", `--output=${file}`), { stdout: file, exitCode: 0 });
  t.strictSame(
    await place.ask("7", "-o", "no/kc"),
    refused(1, "the directory of no/kc does not exist or cannot be entered"),
  );
  t.strictSame(
    await place.ask("7", "-o", "bin"),
    refused(1, `${place.top}/bin is a directory; name a file`),
  );
  t.strictSame(
    readdirSync(place.top).filter((name) => name.startsWith("kc")),
    ["kc"],
  );
});

t.test("a job of the enclosing instance is found", async (t) => {
  const place = new Place(t);
  place.file("inner", "");
  t.strictSame(await place.ask("7"), given);
});

t.test("a server that is not the template's is kept, and so is its port", async (t) => {
  const text = KUBECONFIG.replace("127.0.0.1", "cluster.example");
  t.match((await new Place(t, { text }).ask("7")).stdout, "server: https://cluster.example:20003");
});

t.test("each failure prints one line", async (t) => {
  const settle = (outcome: string) => `{"name":"settle","context":{"outcome":"${outcome}"}}`;
  const cases: [Cluster, string][] = [
    [
      { events: [] },
      "the cluster of job 7 is not ready yet; wait for it with flux usernetes wait 7",
    ],
    [
      { events: [settle("failed")] },
      "the cluster of job 7 did not come up; see flux usernetes status 7",
    ],
    [
      { events: [settle("ready"), '{"name":"down","context":{"left":[]}}'] },
      "the cluster of job 7 has been removed",
    ],
    [{ address: "" }, "the address of the lead of job 7 is unknown: the template has no HOST_IP"],
  ];
  for (const [cluster, words] of cases)
    t.strictSame(await new Place(t, cluster).ask("7"), refused(1, words), words);
  const bad = new Place(t, { text: "hello\n" });
  t.strictSame(
    await bad.ask("7"),
    refused(1, `the kubeconfig of job 7 names no API server; see its file in ${bad.workdir}`),
  );
  const no = new Place(t, { marker: "6 other", owner: ME + 1 });
  t.strictSame(
    await no.ask("7"),
    refused(1, `the lead of job 7 cannot be asked: ${no.workdir} there belongs to another job`),
    "another cluster's directory is not taken for the job's",
  );
  const far = new Place(t, { owner: ME + 1 }).elsewhere();
  far.file("refused", "flux-exec: Error: rank 0: No such file or directory\n");
  t.strictSame(
    await far.ask("7"),
    refused(
      1,
      "the lead of job 7 cannot be asked: flux-exec: Error: rank 0: No such file or directory",
    ),
  );
  const words: [string, number, string][] = [
    ['flux-job: error parsing jobid: "x"', 2, '"x" is not a valid job ID'],
    [
      "flux-job: No such file or directory: invalid job id",
      1,
      "there is no job x in this Flux instance",
    ],
    ["flux-job: access is restricted to job/instance owner", 1, "job x belongs to another user"],
    [
      "flux-job: usernetes.eventlog: key not found",
      1,
      "job x has no cluster: it did not ask for one (--setattr=attributes.user.usernetes=yes), or has none yet",
    ],
  ];
  for (const [record, code, text] of words) {
    const place = new Place(t);
    place.file("record", `${record}\n`);
    t.strictSame(await place.ask("x"), refused(code, text));
  }
  const down = new Place(t);
  down.file("record", "");
  down.file("down", "");
  t.strictSame(await down.ask("7"), refused(4, "no Flux instance answers: set FLUX_URI"));
});

t.test("wrong usage is refused with what is allowed", async (t) => {
  const place = new Place(t);
  for (const [args, words] of [
    [[], "JOB is missing: flux usernetes kubeconfig JOB [--output FILE]"],
    [["7", "8"], 'found "8", allowed: one JOB'],
    [["--all"], 'found "--all", allowed: JOB, --output FILE'],
    [["7", "--output"], "--output needs a file"],
  ] as const)
    t.strictSame(await place.ask(...args), refused(2, words));
});
