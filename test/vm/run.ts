/**
 * `npm run test:vm` tests the package on two machines that have systemd, control groups of version
 * 2, rootless engines, and Flux as a systemd unit. It prints TAP on stdout and its progress on
 * stderr.
 *
 *   npm run test:vm -- [--containers] [--keep FOLDER] [--machines 1|2] [NAME...]
 *
 * NAME... selects lives. Without a name, all lives run. With --keep, the machines keep running at
 * the end, and the next run with the same folder uses them without a new installation. With one
 * machine, the lives take less time but test nothing between nodes. With --containers, the machines
 * are containers of this host (container.ts), which is faster if virtual machines are emulated.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import t from "tap";
import type { Test } from "tap";
import { openImage, whyNoMachine } from "./image.js";
import { installLives } from "./lives/install.js";
import { clusterLives } from "./lives/cluster.js";
import { doctorLives } from "./lives/doctor.js";
import { unitLives } from "./lives/unit.js";
import { usersLives } from "./lives/users.js";
import { Container } from "./container.js";
import { Site } from "./site.js";
import { VirtualMachine } from "./virtual-machine.js";

const MEMORY_MB = 3072;

/** The lives by name, in the order in which they run. The life `install` always runs first. */
const LIVES: Record<string, (t: Test, site: Site) => Promise<void>> = {
  podman: clusterLives("podman"),
  "podman-unit": unitLives("podman"),
  docker: clusterLives("docker"),
  "docker-unit": unitLives("docker"),
  users: usersLives,
  doctor: doctorLives,
};

const log = (line: string): void => {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`);
};

const { values, positionals } = parseArgs({
  options: {
    containers: { type: "boolean", default: false },
    keep: { type: "string" },
    machines: { type: "string", default: "2" },
  },
  allowPositionals: true,
});
const why = whyNoMachine();
if (why !== undefined) {
  log(why);
  process.exit(1);
}
const unknown = positionals.find((name) => !Object.hasOwn(LIVES, name));
if (unknown !== undefined) {
  log(`there are no lives ${unknown}; there are ${Object.keys(LIVES).join(", ")}`);
  process.exit(2);
}
const size = ["1", "2"].indexOf(values.machines) + 1;
if (size === 0) {
  log(`--machines: found "${values.machines}", allowed: 1 or 2`);
  process.exit(2);
}
t.setTimeout(0);
const wanted = positionals.length > 0 ? positionals : Object.keys(LIVES);
const image = openImage(log);
const keep = values.keep !== undefined;
const folder = values.keep ?? mkdtempSync("/tmp/usernetes-vm-");
mkdirSync(folder, { recursive: true });
const Machine = values.containers ? Container : VirtualMachine;
const machines = Array.from(
  { length: size },
  (_, index) =>
    new Machine({ image, folder: join(folder, `${index}`), index, memoryMb: MEMORY_MB, keep, log }),
);
const site = new Site(machines);

/** Runs a life as a test and logs its duration. */
const timed = async (
  name: string,
  lives: (t: Test, site: Site) => Promise<void>,
): Promise<void> => {
  const start = Date.now();
  const end = { passed: false };
  await t.test(`the life ${name} passes`, { timeout: 0 }, async (t) => {
    await lives(t, site);
    end.passed = t.passing();
  });
  const seconds = Math.round((Date.now() - start) / 1000);
  log(`${name}: ${end.passed ? "passed" : "FAILED"} after ${seconds} s`);
};

try {
  const attached = await Promise.all(machines.map((machine) => machine.attach()));
  if (!attached.every(Boolean)) {
    for (const machine of machines) {
      await machine.close();
      await machine.prepare();
    }
    await Promise.all(machines.map((machine) => machine.boot()));
  }
  await timed("install", installLives);
  const installed = t.passing();
  for (const name of installed ? wanted : []) {
    const lives = LIVES[name];
    if (lives) await timed(name, lives);
  }
} finally {
  if (keep || !t.passing()) log(`${folder} has the machines' disks and consoles' logs`);
  if (!keep) for (const machine of machines) await machine.close();
  if (!keep && t.passing()) rmSync(folder, { recursive: true, force: true });
}
