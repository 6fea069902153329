/**
 * npm run bench [-- --list | --only NAME[,NAME...] --runs N --json FILE]
 *
 * Measures the cost of flux-usernetes, on a real Flux if one is installed, and prints one table. It
 * has ratios and overheads against a reference of the same run, as medians with their spread. A
 * slow result is not an error, because machines are noisy.
 */
import { execaSync } from "execa";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { findRealFlux, whyNoRealFlux } from "../hosts/real-flux.js";
import { PACKAGE } from "../sandbox/paths.js";
import { measureBringUp } from "./bring-up.js";
import { measureCommands } from "./commands.js";
import { measureHold } from "./hold.js";
import { measureMany } from "./many.js";
import type { Row } from "./measure.js";
import { measureOthers } from "./others.js";
import { measureScale } from "./scale.js";
import { json, table, type Setting } from "./table.js";

const SUBJECTS: Record<string, (runs: number) => Promise<Row[]>> = {
  "bring-up": measureBringUp,
  scale: measureScale,
  others: measureOthers,
  hold: measureHold,
  commands: measureCommands,
  many: measureMany,
};

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function setting(): Setting {
  const why = whyNoRealFlux();
  const flux = findRealFlux() ?? "flux";
  const version = why ?? execaSync(flux, ["version"]).stdout.split(/\s+/)[1] ?? "?";
  const { stdout } = execaSync("git", ["rev-parse", "--short", "HEAD"], {
    cwd: PACKAGE,
    reject: false,
  });
  return {
    flux: why === undefined ? `flux-core ${version}` : `the embedded Flux (${why})`,
    node: process.version,
    cores: cpus().length,
    commit: stdout,
    date: new Date().toISOString(),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      list: { type: "boolean", default: false },
      only: { type: "string", default: Object.keys(SUBJECTS).join() },
      runs: { type: "string", default: "5" },
      json: { type: "string", default: join(PACKAGE, ".bench/results.json") },
    },
  });
  if (values.list) {
    process.stdout.write(`${Object.keys(SUBJECTS).join("\n")}\n`);
    return;
  }
  const runs = Number(values.runs);
  const subjects = values.only.split(",");
  const unknown = subjects.find((name) => !(name in SUBJECTS));
  if (unknown !== undefined || !(runs >= 1)) {
    const [what, allowed] =
      unknown === undefined
        ? [`--runs ${values.runs}`, "a whole number from 1"]
        : [`--only ${unknown}`, Object.keys(SUBJECTS).join(", ")];
    say(`bench: ${what}: allowed: ${allowed}`);
    process.exitCode = 2;
    return;
  }
  const where = setting();
  say(`On ${where.flux}, Node.js ${where.node}, ${where.cores} cores.`);
  const rows: Row[] = [];
  for (const name of subjects) {
    say(`measuring ${name} ...`);
    rows.push(...((await SUBJECTS[name]?.(runs)) ?? []));
  }
  process.stdout.write(`${table(rows)}\n`);
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${json(rows, where)}\n`);
  say(`written to ${values.json}`);
}

await main();
