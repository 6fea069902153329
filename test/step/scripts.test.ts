import { execa } from "execa";
import t from "tap";
import { LOCAL_STEPS, STEPS, type NodeStep } from "../../lib/cluster/steps.js";
import {
  findAllScript,
  findScript,
  runScript,
  startScript,
  stepScript,
} from "../../lib/step/scripts.js";

const NODE_STEPS = STEPS.filter((step) => !(LOCAL_STEPS as readonly string[]).includes(step));
const scripts = (): [string, string][] => [
  ["start", startScript()],
  ["find-workdirs", findScript()],
  ["find-all", findAllScript()],
  ["run", runScript()],
  ...NODE_STEPS.map((step): [string, string] => [step, stepScript(step as NodeStep)]),
];

t.test("each step on the nodes has a script that sh understands", async (t) => {
  for (const [name, script] of scripts()) {
    t.ok(script.length > 50, name);
    const { exitCode, stderr } = await execa("sh", ["-n", "-c", script], { reject: false });
    t.strictSame({ name, exitCode, stderr }, { name, exitCode: 0, stderr: "" });
  }
});

t.test("comments stay here", (t) => {
  for (const [name, script] of scripts()) t.notMatch(script, /^\s*# /m, name);
  t.end();
});

t.test("a call's scripts are small beside what one argument may be (131,072)", (t) => {
  for (const [name, script] of scripts()) t.ok(Buffer.byteLength(script) < 16_384, name);
  t.end();
});
