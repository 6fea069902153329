/**
 * npm run test:vm: the package on machines of its own, with systemd, control groups of
 * version 2 and a Flux that is a unit. `-- NAME...` takes some of the lives. TAP on stdout, and
 * what is going on meanwhile on stderr.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import { openImage, whyNoMachine } from "./image.js";
import { Machine } from "./machine.js";
import { Site } from "./site.js";
import { unitLives } from "./unit.js";

/** By name: each on a machine of its own, which is gone at its end. */
const LIVES: Record<string, (t: Test, site: Site) => Promise<void>> = {
  unit: unitLives,
};

const log = (line: string): void => {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`);
};

const why = whyNoMachine();
if (why !== undefined) {
  log(why);
  process.exit(1);
}
const unknown = process.argv.slice(2).find((name) => !(name in LIVES));
if (unknown !== undefined) {
  log(`there are no lives ${unknown}; there are ${Object.keys(LIVES).join(", ")}`);
  process.exit(2);
}
t.setTimeout(0);
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(LIVES);
const image = openImage(log);
for (const name of wanted) {
  await t.test(name, { timeout: 0 }, async (t) => {
    const folder = mkdtempSync("/tmp/usernetes-vm-");
    const machine = new Machine({
      image,
      folder: join(folder, "0"),
      index: 0,
      memoryMb: 3072,
      log,
    });
    try {
      await machine.prepare();
      await machine.boot();
      await LIVES[name]?.(t, new Site(machine));
    } finally {
      await machine.close();
      if (t.passing()) rmSync(folder, { recursive: true, force: true });
      else log(`${folder} has the console's log`);
    }
  });
}
