/**
 * Implements `npm test` and `npm run test:long`. It runs test files side by side, each in a
 * separate process, and reports each file when it has ended. The last line is
 * `N passed, N failed, N skipped`. The exit status is 1 if a test failed or if no test passed.
 *
 *     npm test -- [--jobs N] [--seed N] [FILE or FOLDER]...
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { packagePath } from "../../lib/host/package.js";
import { whyNoRealFlux } from "../hosts/real-flux.js";
import { chosen } from "./choice.js";
import { LONG, WALKS } from "./long.js";
import { playFile, stopAll, type PlaySetting } from "./play-file.js";
import { hasFailed, progressLine, summary, type Mode, type PlayedFile } from "./summary.js";

/** Tests wait more than they compute. */
const JOBS_PER_CORE = 3;
/** A file that runs whole clusters takes a minute, or several minutes on a busy machine. */
const TIMEOUT_S = { usual: 480, long: 7200 };

const OPTIONS = {
  long: { type: "boolean", default: false },
  jobs: { type: "string", default: String(JOBS_PER_CORE * availableParallelism()) },
  seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
} as const;

let interrupted: NodeJS.Signals | undefined;

const print = (...lines: string[]): void => {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
};

function readCommand() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const { long } = values;
  const [jobs, seed] = [Number(values.jobs), Number(values.seed)];
  if (!(jobs >= 1)) throw new Error(`--jobs: found "${values.jobs}", allowed: 1 or more`);
  if (!Number.isSafeInteger(seed))
    throw new Error(`--seed: found "${values.seed}", allowed: a whole number`);
  const all = readdirSync(packagePath("test"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `test/${name}`);
  const choice = { long, asked: positionals, longFiles: Object.keys(LONG), both: WALKS };
  const { files, unknown } = chosen(all, choice);
  if (unknown.length > 0)
    throw new Error(`no test file or folder of this kind: ${unknown.join(" ")}`);
  return { long, jobs, seed, files };
}

/** Returns the environment and the time limit of each test file. */
function settingOf(long: boolean, seed: number): PlaySetting {
  const env = { USERNETES_SEED: String(seed) };
  const walk = process.env["USERNETES_WALK"] ?? "all";
  return long
    ? { timeoutS: TIMEOUT_S.long, env: { ...env, USERNETES_WALK: walk } }
    : { timeoutS: TIMEOUT_S.usual, env };
}

async function playAll(files: string[], jobs: number, setting: PlaySetting) {
  const output = packagePath(".tap", "output");
  const waiting = [...files];
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      interrupted = signal;
      waiting.length = 0;
      stopAll(signal);
    });
  const played: PlayedFile[] = [];
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const { output: text, ...report } = await playFile(file, setting);
      writeFileSync(`${output}/${file.replaceAll("/", ".")}.tap`, text);
      played.push(report);
      const count = `${played.length}/${files.length}`.padStart(
        2 * String(files.length).length + 1,
      );
      print(`${count} ${hasFailed(report) ? "FAILED" : "ok    "} ${progressLine(report)}`);
    }
  };
  mkdirSync(output, { recursive: true });
  await Promise.all(Array.from({ length: jobs }, worker));
  return played;
}

async function main(): Promise<number> {
  const { long, jobs, seed, files } = readCommand();
  const mode: Mode = { script: long ? "run test:long" : "test", seed };
  const whyNot = whyNoRealFlux();
  print(
    `${files.length} test files, ${jobs} at a time, with seed ${seed}; their output is in .tap/output.`,
    whyNot === undefined
      ? "On the embedded Flux and a real one."
      : `On the embedded Flux alone: ${whyNot}.`,
    ...(long ? [] : ["`npm run test:long` has the tests that take longest."]),
  );
  const played = await playAll(files, jobs, settingOf(long, seed));
  if (interrupted !== undefined) print("", `${interrupted}: not all test files ran`);
  print(...summary(played, mode));
  const passed = played.some((file) => file.passed > 0);
  return interrupted === undefined && passed && !played.some(hasFailed) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`test: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
