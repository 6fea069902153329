/** start.sh: what is done as the instance owner before steps run as the job's user, and find-all.sh. */
import { chownSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import t from "tap";
import { MARKER, Node, NONCE } from "../fakes/node.js";

function newNode(t: { teardown(act: () => void): unknown }): Node {
  const node = new Node();
  t.teardown(() => {
    node.remove();
  });
  return node;
}

/** Notes its own arguments, and runs what it is to run as whoever we are. */
const SUDO = `printf '%s\\n' "$*" | head -n 1 >"$NOTES/sudo"
env >"$NOTES/sudo.env"
shift 3
exec "$@"`;
const ME = String(process.getuid?.() ?? 0);
const isRoot = ME === "0";
const PRIVATE = `usernetes-join-${MARKER.replace(" ", "-")}`;

t.test("another user's steps go through sudo, with all of their environment", async (t) => {
  const node = newNode(t);
  node.program("sudo", SUDO);
  node.env["FLUX_URI"] = "local:///run/flux/here";
  Reflect.deleteProperty(node.env, "USERNETES_RANK");
  node.env["FAKE_RANK"] = "7";
  node.env["USERNETES_RANKS"] = "0-7";
  const { stderr } = await node.whole("stage", { uid: ME }).ended;
  t.equal(stderr, `${NONCE} end stage 0`);
  t.match(node.noted("sudo"), [
    `-n -u #${ME} setpriv --pdeathsig TERM timeout -k 5 30 env -i FLUX_URI=local:///run/flux/here USERNETES_RANK=7 `,
  ]);
  t.match(node.read(".usernetes/nodes/7/node.env"), "NODE_SUBNET=10.100.7.0/24");
});

t.test(
  "the rank is in the broker's name, as far as that is whole, and asked for else",
  async (t) => {
    for (const [broker, place] of [
      ["flux-broker-0", 0],
      ["flux-broker-12", 12],
      // Cut off after 15 bytes, 100 and 1000 are the same.
      ["flux-broker-100", 7],
      ["flux-broker-", 7],
      ["flux-broker-1x", 7],
      ["systemd", 7],
    ] as const) {
      const node = newNode(t);
      Reflect.deleteProperty(node.env, "USERNETES_RANK");
      node.env["FAKE_RANK"] = "7";
      node.env["USERNETES_RANKS"] = "0-99";
      const { stderr } = await node.whole("stage", { broker }).ended;
      t.equal(stderr, `${NONCE} end stage 0`);
      const env = node.read(`.usernetes/nodes/${place}/node.env`);
      t.match(env, `NODE_SUBNET=10.100.${place}.0/24`, broker);
    }
  },
);

t.test("the join-command passes through stdin, and in no argument", async (t) => {
  const node = newNode(t);
  node.staged();
  node.program("sudo", `ls "$TMPDIR" >"$NOTES/litter"\n${SUDO}`);
  const secret = "kubeadm join x --token abcdef.0123456789abcdef";
  node.program("flux", `[ "$1" != archive ] || printf '%s\\n' "${secret}" >"$6/join-command"`);
  const { stderr } = await node.whole("fetch-join", { uid: ME }).ended;
  t.equal(stderr, `${NONCE} end fetch-join 0`);
  t.equal(node.read("join-command"), `${secret}\n`);
  t.strictSame(node.noted("litter"), [], "the owner's copy is gone before the user's step begins");
  t.notMatch([...node.noted("sudo"), ...node.noted("sudo.env")].join("\n"), "0123456789abcdef");
});

t.test("what keeps a user's steps from running is said in words", async (t) => {
  const node = newNode(t);
  const fail = async (uid: string) => (await node.whole("up", { uid }).ended).stderr;
  t.match(
    await fail(ME),
    `${NONCE} tail up sudo is not installed on this node, or not on the PATH`,
  );
  node.program("sudo", SUDO);
  t.equal(
    await fail("64321"),
    `${NONCE} tail up uid 64321 has no account on this node\n${NONCE} end up 1`,
  );
});

t.test(
  "a teardown removes the owner's copies of the join-command, and nothing planted",
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
    await node.whole("down-v").ended;
    const planted = isRoot ? [`${PRIVATE}.theirs`] : [];
    t.strictSame(
      node.litter.toSorted(),
      ["usernetes-join-1-other.x", `${PRIVATE}.link`, ...planted].toSorted(),
    );
    t.ok(existsSync(join(node.elsewhere, "kept")));
  },
);

const skip = isRoot ? false : "it gives directories to other users, which needs root";
t.test("of a user's look for workdirs only what it may say is told", { skip }, async (t) => {
  const node = newNode(t);
  const [, instance = ""] = MARKER.split(" ");
  const theirs = join(node.base, "usernetes-ƒtheirs");
  mkdirSync(theirs);
  chownSync(theirs, 64_321, 64_321);
  symlinkSync(node.base, join(node.base, "usernetes-ƒlink"));
  const here = hostname();
  const end = `- end - ${here}`;
  const asked = async (sudo: string, looks = "yes") => {
    node.program("sudo", sudo);
    return node.find(instance, looks);
  };
  t.strictSame(await asked("echo 1 docker; echo end", "no"), [end], "run-as is owner");
  t.strictSame(await asked("echo 1 docker; echo end"), [`64321 1 docker ${here}`, end]);
  const forged = `printf '0 1 docker x\\n- end - x\\n2 sh\\n../3 docker\\n4 docker more\\n5 podman\\0\\nend\\n'`;
  t.strictSame(await asked(forged), [`64321 5 podman ${here}`, end]);
  t.strictSame(await asked("yes '6 docker'"), [
    ...Array.from({ length: 64 }, () => `64321 6 docker ${here}`),
    ...[`64321 unseen - ${here}`, end],
  ]);
  t.strictSame(await asked("echo a password is required >&2; exit 1"), [
    `64321 unseen - ${here}`,
    end,
  ]);
});

t.test("a user's look that hangs keeps nobody", { skip }, async (t) => {
  const node = newNode(t);
  const theirs = join(node.base, "usernetes-ƒtheirs");
  mkdirSync(theirs);
  chownSync(theirs, 64_321, 64_321);
  node.program("sudo", "trap '' TERM; sleep 60");
  const before = Date.now();
  const found = await node.find("x", "yes");
  t.strictSame(found, [`64321 unseen - ${hostname()}`, `- end - ${hostname()}`]);
  t.ok(Date.now() - before < 25_000);
});
