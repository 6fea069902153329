/** The systemd unit: its order, its restarts and its exit codes. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import t from "tap";
import { PACKAGE } from "../sandbox/paths.js";

const UNIT = join(PACKAGE, "etc/systemd/system/flux-usernetes.service");
const missing = spawnSync("systemd-analyze", ["--version"]).status !== 0;
const skip = missing ? "there is no systemd-analyze on the PATH" : false;

t.test("systemd finds no fault in the unit", { skip }, (t) => {
  // man does not find the manual pages before they are installed.
  const argv = ["verify", "--man=no", UNIT];
  const { status, stdout, stderr } = spawnSync("systemd-analyze", argv, { encoding: "utf8" });
  t.equal(stdout + stderr, "");
  t.equal(status, 0);
  t.end();
});
