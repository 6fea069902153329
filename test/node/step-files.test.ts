/** The files that are sent to the nodes: the agent, and the scripts of the steps. */
import { execa } from "execa";
import t from "tap";
import { rowOf, STEPS, type NodeStep } from "../../lib/cluster/steps.js";
import { agentSource } from "../../lib/node/agent-source.js";
import { isPython, stepRequest, stepScript } from "../../lib/node/scripts.js";

const scripts = STEPS.filter((step) => rowOf(step).by !== "daemon")
  .filter((step) => step !== "fetch-join")
  .map((step): [string, string] => [step, stepScript(step as NodeStep)]);

t.test("each step on the nodes has a valid script of sh", async (t) => {
  for (const [name, script] of scripts) {
    t.ok(script.length > 50, name);
    if (isPython(name as NodeStep)) continue;
    const { exitCode, stderr } = await execa("sh", ["-n", "-c", script], { reject: false });
    t.strictSame({ name, exitCode, stderr }, { name, exitCode: 0, stderr: "" });
  }
});

t.test("comments are removed before a script is sent", (t) => {
  for (const [name, text] of [...scripts, ["agent", agentSource()] as const])
    t.notMatch(text, /^\s*# /m, name);
  t.end();
});

t.test("the scripts together are much smaller than the limit of one argument (131,072)", (t) => {
  t.ok(Buffer.byteLength(agentSource()) < 65_536);
  for (const [name, script] of scripts) t.ok(Buffer.byteLength(script) < 32_768, name);
  t.end();
});

t.test("the agent is ASCII, which every locale passes unchanged", (t) => {
  // eslint-disable-next-line no-control-regex
  t.match(agentSource(), /^[\x00-\x7f]*$/);
  t.end();
});

t.test("fetch-join is part of the agent, and join-command gives its result", (t) => {
  const env = { USERNETES_ARCHIVE: "usernetes-x" };
  t.strictSame(stepRequest("fetch-join", 9, { env }), {
    ...{ step: "fetch-join", seconds: 9, archive: "usernetes-x" },
  });
  t.match(stepRequest("join-command", 9, { env }), { gives: "join-command", seconds: 9 });
  t.notOk("gives" in stepRequest("up", 9, { env }));
  t.end();
});
