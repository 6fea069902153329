import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { findAllScript, startScript } from "../../lib/step/scripts.js";

const FILE = packagePath("etc/sudoers.d/usernetes");
const VISUDO = ["/usr/sbin/visudo", "/usr/bin/visudo"].find((path) => existsSync(path));
const FORM = "setpriv --pdeathsig TERM timeout -k 5";

t.test("visudo takes the rule", { skip: VISUDO ? false : "there is no visudo" }, (t) => {
  t.match(execFileSync(VISUDO ?? "", ["-cf", FILE], { encoding: "utf8" }), "parsed OK");
  t.end();
});

t.test("it allows what is run, never as root, and no environment", (t) => {
  const rule = readFileSync(FILE, "utf8");
  t.match(rule, `/usr/bin/${FORM} [0-9]* env -i *\n`);
  t.match(startScript(), `exec sudo -n -u "#$uid" ${FORM} "$seconds" env -i `);
  t.match(findAllScript(), `sudo -n -u "#$1" ${FORM} 12 env -i `);
  t.match(rule, /^Runas_Alias USERNETES_USERS = .*!root, !#0,/m);
  t.match(rule, /^flux ALL = \(USERNETES_USERS\) NOPASSWD: NOSETENV: USERNETES$/m);
  t.end();
});
