/** What an agent does as the instance owner, before the steps run as another user. */
import { chownSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { newNode, PRIVATE } from "../fakes/node.js";

/** A stand-in for sudo. It logs its arguments and runs the command as the current user. */
const SUDO = `printf '%s\\n' "$*" >"$NOTES/sudo"
env >"$NOTES/sudo.env"
shift 3
exec "$@"`;
const me = process.getuid?.() ?? 0;
const isRoot = me === 0;

t.test("another user's steps go through sudo, with their whole environment", async (t) => {
  const node = newNode(t);
  node.program("sudo", SUDO);
  node.env["FLUX_URI"] = "local:///run/flux/here";
  Reflect.deleteProperty(node.env, "USERNETES_RANK");
  node.env["FAKE_RANK"] = "7";
  node.env["USERNETES_RANKS"] = "0-7";
  node.env["USERNETES_LEAD"] = "7";
  t.strictSame((await node.startAs({ uid: me }, "stage").ended).reports, ["here", "stage: ok"]);
  const limit = "setpriv --pdeathsig TERM timeout -k 5 30 env -i";
  t.match(
    node.noted("sudo")[0],
    new RegExp(`^-n -u #${me} ${limit} FLUX_URI=local:///run/flux/here HOME=`),
  );
  t.match(node.noted("sudo")[0], " USERNETES_RANK=7 ");
  t.match(node.read(".usernetes/nodes/7/node.env"), "NODE_SUBNET=10.100.7.0/24");
});

t.test("a step of another user ends with its agent", async (t) => {
  const node = newNode(t);
  node.program("sudo", SUDO);
  const script = 'echo $$ >"$NOTES/pid"; exec sleep 60';
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const agent = node.startAs({ uid: me }, ["up", 60, script]);
    while (node.noted("pid").length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const pid = Number(node.noted("pid")[0]);
    agent.kill(signal);
    await agent.ended;
    for (let i = 0; i < 200 && existsSync(`/proc/${pid}`); i++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    t.notOk(existsSync(`/proc/${pid}`), signal);
    node.note("pid", "");
  }
});

t.test("an earlier runner of another user is ended although sudo is its parent", async (t) => {
  const node = newNode(t);
  // This stand-in stays as the command's parent, like sudo(8) with a separate session.
  node.program("sudo", 'shift 3; "$@"');
  const script = `trap 'echo 1 >"$NOTES/term"; exit 1' TERM; echo 1 >"$NOTES/started"; sleep 60 & wait`;
  const earlier = node.startAs({ uid: me, nonce: "earlier" }, ["up", 60, script]);
  while (!node.has("started")) await new Promise((resolve) => setTimeout(resolve, 20));
  const before = Date.now();
  t.strictSame(
    (await node.startAs({ uid: me }, ["up", 10, '[ -e "$NOTES/term" ]']).ended).reports,
    [...["here", "up: ok"]],
  );
  t.ok(Date.now() - before < 8000, "without a wait for sudo");
  await earlier.ended;
});

t.test("the join-command passes through stdin and is in no argument", async (t) => {
  const node = newNode(t);
  node.staged();
  node.program("sudo", `ls "$TMPDIR" >"$NOTES/litter"\n${SUDO}`);
  const secret = "kubeadm join x --token abcdef.0123456789abcdef";
  node.program(
    "flux",
    `[ "$1" != getattr ] || echo 0; [ "$1" != archive ] || printf '%s\\n' "${secret}" >"$6/join-command"`,
  );
  const { reports } = await node.startAs({ uid: me }, "fetch-join").ended;
  t.strictSame(reports, ["here", "fetch-join: ok"]);
  t.equal(node.read("join-command"), `${secret}\n`);
  t.strictSame(node.noted("litter"), [], "the owner's copy is gone before the user's step begins");
  t.notMatch([...node.noted("sudo"), ...node.noted("sudo.env")].join("\n"), "0123456789abcdef");
});

t.test("a request that cannot run as the user is refused with the reason", async (t) => {
  const node = newNode(t);
  const refusal = async (uid: number) =>
    (await node.startAs({ uid }, "up", "stage").ended).reports.slice(1);
  t.match(await refusal(me), [/^refused: sudo is not installed on this node, or not on the PATH/]);
  node.program("sudo", SUDO);
  t.strictSame(await refusal(64_321), ["refused: uid 64321 has no account on this node"]);
  node.program("sudo", "echo sudo: a password is required >&2; exit 1");
  t.strictSame(await refusal(me), ["refused: sudo: a password is required"]);
  node.program("sudo", "exit 1");
  t.strictSame(await refusal(me), ["refused: python3 did not start"]);
});

t.test(
  "a teardown removes the owner's copies of the join-command, but no planted file",
  async (t) => {
    const node = newNode(t);
    const at = (name: string) => join(node.temporary, name);
    mkdirSync(at(`${PRIVATE}.killed`));
    writeFileSync(at(`${PRIVATE}.killed/join-command`), "secret\n");
    mkdirSync(join(node.elsewhere, "kept"));
    symlinkSync(node.elsewhere, at(`${PRIVATE}.link`));
    mkdirSync(at(`usernetes-join-1-other.x`));
    if (isRoot) {
      mkdirSync(at(`${PRIVATE}.theirs`));
      chownSync(at(`${PRIVATE}.theirs`), 64_321, 64_321);
    }
    t.match(await node.call("down-v"), [/^down-v: ok/]);
    const planted = isRoot ? [`${PRIVATE}.theirs`] : [];
    t.strictSame(
      node.litter.toSorted(),
      ["usernetes-join-1-other.x", `${PRIVATE}.link`, ...planted].toSorted(),
    );
    t.ok(existsSync(join(node.elsewhere, "kept")));
  },
);
