/** The sudoers rule allows the commands that the daemon runs, and no others. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { agentSource } from "../../lib/node/agent-source.js";

const FILE = packagePath("etc/sudoers.d/usernetes");
const VISUDO = ["/usr/sbin/visudo", "/usr/bin/visudo"].find((path) => existsSync(path));
const FORM = "setpriv --pdeathsig TERM timeout -k 5";

t.test("visudo accepts the rule", { skip: VISUDO ? false : "there is no visudo" }, (t) => {
  t.match(execFileSync(VISUDO ?? "", ["-cf", FILE], { encoding: "utf8" }), "parsed OK");
  t.end();
});

t.test("the rule allows the daemon's commands, never as root and without an environment", (t) => {
  const rule = readFileSync(FILE, "utf8");
  t.match(rule, `/usr/bin/${FORM} [0-9]* env -i *\n`);
  const words = FORM.split(" ").map((word) => `"${word}"`);
  t.match(agentSource(), `limit = [${words.join(", ")}, str(self.seconds)]`);
  t.match(agentSource(), '["sudo", "-n", "-u", "#%d" % userid] + limit + ["env", "-i"] + settings');
  t.match(rule, /^Runas_Alias USERNETES_USERS = .*!root, !#0,/m);
  t.match(rule, /^flux ALL = \(USERNETES_USERS\) NOPASSWD: NOSETENV: USERNETES$/m);
  t.end();
});
