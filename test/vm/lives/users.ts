/** Tests clusters of several users through sudo. Each user has their own engine. */
import type { Test } from "tap";
import { setUpEngine } from "../accounts.js";
import { admin } from "../documents.js";
import { Jobs } from "../jobs.js";
import { leftovers } from "../leftovers.js";
import { good, type Site } from "../site.js";

export async function usersLives(t: Test, site: Site): Promise<void> {
  const multiUser = await site.owner("flux config get access.allow-guest-user");
  if (multiUser.stdout.trim() !== "true") {
    t.pass("skipped", { skip: "the Flux in the machine was built without flux-security" });
    return;
  }
  const alice = new Jobs(site, "alice");
  const bob = new Jobs(site, "bob");
  const carol = new Jobs(site, "carol");

  await t.test("the document sets up the sudo rule and the users' engines", async (t) => {
    const rule = await good(
      t,
      "the rule",
      site.root("cat $(npm root -g)/flux-usernetes/etc/sudoers.d/usernetes"),
    );
    const put =
      "cd /root && cat >usernetes && visudo -cf usernetes && install -m 0440 usernetes /etc/sudoers.d/usernetes";
    await site.everywhere(t, "the rule is installed", put, rule);
    const [check = ""] = admin("many-users", "Clusters of all users").filter((line) =>
      line.startsWith("flux exec"),
    );
    const uid = (await good(t, "alice", site.root("id -u alice"))).trim();
    t.match(await good(t, check, site.owner(check.replace("1002", uid))), /: alice$/m);
    await setUpEngine(t, site, "alice", "docker");
    await setUpEngine(t, site, "bob", "podman");
    const keys = {
      "run-as": '"sudo"',
      "container-engine": '"docker"',
      engines: '["docker", "podman"]',
    };
    await site.configure(t, keys);
  });

  await t.test("doctor examines the engine of a user", async (t) => {
    const { stdout, stderr } = await site.owner("flux usernetes doctor --user alice");
    t.match(stdout, /^ok +alice: docker exec/m, stdout + stderr);
    const broken = await site.owner("flux usernetes doctor --user carol");
    t.equal(broken.exitCode, 1);
    t.match(broken.stdout, /^FAIL +carol: docker 20.10/m);
    t.match(broken.stdout, /docker does not answer: .*/m);
  });

  await t.test("two users have clusters at once, one on each engine", async (t) => {
    const ask = (engine: string) =>
      `-N1 -n1 --usernetes --usernetes-options=engine=${engine} sh -c 'id -un; kubectl get nodes; sleep 20'`;
    const first = await alice.submit(t, ask("docker"));
    const second = await bob.submit(t, ask("podman"));
    await alice.ends(t, first);
    await bob.ends(t, second);
    t.match(await alice.output(first), /^alice\n[^]*^u7s-node\d +Ready/m);
    t.match(await bob.output(second), /^bob\n[^]*^u7s-node\d +Ready/m);
    t.same(await leftovers(site, "alice", "docker"), []);
    t.same(await leftovers(site, "bob", "podman"), []);
  });

  await t.test(
    "a user whose engine does not run is refused with the engine's message",
    async (t) => {
      const job = await carol.submit(t, "-N1 --usernetes true");
      await carol.ends(t, job);
      const { outcome, note } = await carol.settled(job);
      t.equal(outcome, "failed");
      t.match(String(note), /docker/i);
      t.comment(String(note));
      t.same(await leftovers(site, "alice", "docker"), []);
      t.equal((await site.owner("flux resource drain -no '{ranks}'")).stdout.trim(), "");
    },
  );

  await site.configure(t, { "run-as": '"owner"', engines: '["docker"]' });
}
