/** The checks of what a rootless engine needs of its account: IDs, and a runtime directory. */
import { appendFileSync, chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { asked, newNode, type Node } from "./node.js";

const TWO_THOUSAND = "alice has 2000 ids in subuid, alice has 2000 ids in subgid";

function withFewIds(node: Node): Node {
  for (const kind of ["subuid", "subgid"]) node.write(`top/etc/${kind}`, "alice:100000:2000\n");
  return node;
}

t.test("the range of IDs in the advice belongs to nobody", async (t) => {
  const node = newNode(t);
  const advice = async (uids: string, gids: string, accounts = "") => {
    node.write("top/etc/subuid", uids);
    node.write("top/etc/subgid", gids);
    node.program("getent", `[ "$1" = group ] || printf '%s' '${accounts}'`);
    return /--add-subuids (\S+) --add-subgids (\S+) alice$/
      .exec((await asked(node, "subids")) ?? "")
      ?.slice(1)
      .join(" ");
  };
  t.equal(await advice("", ""), "100000-165535 100000-165535");
  t.equal(await advice("bob:100000:65536\n", ""), "165536-231071 165536-231071");
  t.equal(await advice("", "bob:165000:1\n"), "165536-231071 165536-231071");
  t.equal(
    await advice("bob:231072:65536\n", "", "eve:x:100100:1::/:\n"),
    "165536-231071 165536-231071",
  );
});

t.test("IDs of both kinds are counted, also those that a directory service has", async (t) => {
  const node = newNode(t);
  node.write("top/etc/subuid", "1001:100000:30000\nalice:200000:35536\n");
  t.equal(await asked(node, "subids"), "ok");
  node.write("top/etc/subgid", "alice:100000:65535\n");
  t.match(await asked(node, "subids"), /^no alice has 65535 ids in subgid; free /);
  for (const kind of ["subuid", "subgid"]) node.write(`top/etc/${kind}`, "bob:100000:65536\n");
  t.match(await asked(node, "subids"), /^no alice has 0 ids in subuid, alice has 0 ids in subgid;/);
  const withGids = (count: number) => {
    node.program(
      "getsubids",
      `case "$*" in
  alice) printf '%s\\n' "0: alice 100000 40000" "1: alice 200000 30000" ;;
  "-g alice") echo "0: alice 100000 ${count}" ;;
esac`,
    );
  };
  withGids(65_536);
  t.equal(await asked(node, "subids"), "ok");
  withGids(40_000);
  t.match(await asked(node, "subids"), /^no alice has 40000 ids in subgid; free /);
});

t.test("a missing newgidmap is reported, whatever the number of IDs is", async (t) => {
  const node = newNode(t);
  node.remove("bin/newgidmap");
  t.equal(await asked(node, "subids"), "no newgidmap is missing");
  const image = { FAKE_IMAGE: "localhost/usernetes_warm_node:latest" };
  t.equal(
    await asked(withFewIds(node), "subids", image),
    `no ${TWO_THOUSAND}, newgidmap is missing`,
    "also if the image is in the engine",
  );
});

t.test("fewer IDs are enough if the engine has the node's image", async (t) => {
  const node = withFewIds(newNode(t));
  t.match(await asked(node, "subids"), `no ${TWO_THOUSAND}; free on this node: usermod `);
  const image = "localhost/usernetes_warm_node:latest";
  t.equal(
    await asked(node, "subids", { FAKE_IMAGE: image }),
    `ok ${TWO_THOUSAND}, and the image ${image} is in the engine`,
  );
  const other = { FAKE_IMAGE: image, USERNETES_WARM: "usernetes_warm_calico" };
  t.match(await asked(node, "subids", other), /^no /, "it is another template's image");
  const compose = join(node.env["USERNETES_TEMPLATE"] ?? "", "docker-compose.yaml");
  appendFileSync(compose, "  other:\n    image: usernetes_node\n");
  const named = (name: string) => asked(node, "subids", { FAKE_IMAGE: name });
  t.match(await named("localhost/usernetes_node:latest"), /^ok /);
  t.match(await named("localhost/usernetes_nodes:latest"), /^no /);
});

t.test("the runtime directory must be the user's own, local, and have a short path", async (t) => {
  const node = newNode(t);
  const ask = (path: string, how = {}) =>
    asked(node, "runtime-dir", { XDG_RUNTIME_DIR: path }, how);
  const run = node.at("run");
  t.equal(await ask(run), `ok ${run}`);
  t.equal(await ask(""), "no XDG_RUNTIME_DIR is not set, and /run/user/1001 does not exist");
  t.equal(await ask("/none"), "no XDG_RUNTIME_DIR is /none, which is not a directory on this node");
  node.write("file", "");
  t.match(await ask(node.at("file")), /^no .* is not a directory on this node$/);
  const others = process.getuid?.() === 0 ? node.at("others") : "/";
  if (others !== "/") {
    mkdirSync(others);
    chownSync(others, 65_534, 65_534);
  }
  t.equal(await ask(others), `no XDG_RUNTIME_DIR is ${others}, which does not belong to alice`);
  chmodSync(run, 0o500);
  // root needs no permission unless it gives up its capabilities.
  const wrap = process.getuid?.() === 0 ? ["setpriv", "--bounding-set", "-all"] : [];
  t.equal(await ask(run, { wrap }), `no XDG_RUNTIME_DIR is ${run}, which alice cannot write to`);
  chmodSync(run, 0o700);
  const long = node.at("x".repeat(70));
  mkdirSync(long);
  t.match(await ask(long), /^no XDG_RUNTIME_DIR has [0-9]+ characters: /);
  node.program("stat", "echo nfs");
  t.match(await ask(run), `no XDG_RUNTIME_DIR is ${run}, which is on nfs: `);
});

t.test("a rootful engine needs neither a runtime directory nor IDs", async (t) => {
  const node = newNode(t);
  node.engine("docker", "29", "2", "[name=seccomp]");
  node.remove("top/etc");
  for (const id of ["runtime-dir", "subids", "linger"])
    t.match(await asked(node, id, { XDG_RUNTIME_DIR: "" }), /^ok not needed: /, id);
});
