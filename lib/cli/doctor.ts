/** `flux usernetes doctor`: what each node has, and lacks, of what clusters need. */
import { Command } from "commander";
import { loadFile, loadFromBroker } from "../config/load.js";
import { diagnose, isFit } from "../doctor/diagnose.js";
import { examine } from "../doctor/examine.js";
import { asJson } from "../doctor/json.js";
import { requirements } from "../doctor/requirements.js";
import { report } from "../doctor/table.js";
import { CommandError, EXIT, messageOf } from "../errors.js";
import { decodeHostlist } from "../flux/hostlist.js";
import { decodeIdset, encodeIdset } from "../flux/idset.js";
import { nodeEnvironment } from "../host/environment.js";
import { run } from "../host/runner.js";

interface Options {
  rank?: string;
  config?: string;
  passEnv: string[];
  json?: true;
}

const DEADLINE_MS = 10_000;
const env = process.env as Record<string, string>;

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("check every node; say what is missing and how to mend it")
    .option("--rank <idset>", "these nodes only, like 0-3,7")
    .option("--config <file>", "read [usernetes] from this TOML file instead of the broker")
    .option(
      "--pass-env <name...>",
      "environment variables that the checks get too, as the daemon's steps",
      [],
    )
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      `
Runs on rank 0, as the instance owner: each node is looked at as the daemon's steps
would find it. FAIL: no cluster comes up there; warn: see what it says.

Exit codes: 0 no node fails, 1 one does or does not answer, 2 wrong usage,
3 configuration refused, 4 no Flux instance.

Example:
  flux usernetes doctor --rank 1-15`,
    )
    .action(doctor);
}

async function doctor(options: Options): Promise<void> {
  const { config } = await (options.config === undefined
    ? loadFromBroker(run, env)
    : loadFile(options.config));
  const hosts = decodeHostlist(await attribute("hostlist"));
  const ranks = ranksOf(options.rank, hosts.length);
  await refuseElsewhere();
  process.stderr.write(`looking at ${ranks.length} nodes\n`);
  const needed = requirements(config);
  const answers = await examine(run, config, {
    ranks,
    env: nodeEnvironment(["FLUX_SHELL_RC_PATH", ...options.passEnv]),
  });
  const diagnoses = diagnose(needed, ranks, answers);
  process.stdout.write(options.json ? asJson(diagnoses, hosts) : report(diagnoses, hosts));
  if (!isFit(diagnoses)) process.exitCode = EXIT.failed;
}

function ranksOf(text: string | undefined, size: number): number[] {
  const all = Array.from({ length: size }, (_, rank) => rank);
  if (text === undefined || text === "all") return all;
  const ranks = decode(text);
  const beyond = ranks.filter((rank) => rank >= size);
  if (ranks.length > 0 && beyond.length === 0) return ranks;
  throw new CommandError(
    EXIT.usage,
    `--rank: found "${text}", allowed: ranks of ${encodeIdset(all)}`,
  );
}

function decode(text: string): number[] {
  try {
    return decodeIdset(text);
  } catch (error) {
    throw new CommandError(EXIT.usage, `--rank: ${messageOf(error)}`, { cause: error });
  }
}

/** flux exec reaches rank 0 from rank 0 only, and for the instance's owner only. */
async function refuseElsewhere(): Promise<void> {
  const rank = await attribute("rank");
  if (rank !== "0")
    throw new CommandError(EXIT.failed, `this is rank ${rank}: run doctor on rank 0`);
  const owner = await attribute("security.owner");
  const uid = String(process.getuid?.() ?? "");
  if (owner !== uid)
    throw new CommandError(
      EXIT.failed,
      `this is uid ${uid}: run doctor as the instance owner, uid ${owner}`,
    );
}

async function attribute(name: string): Promise<string> {
  const got = await run({ argv: ["flux", "getattr", name], env, timeoutMs: DEADLINE_MS });
  if (got.exitCode === 0) return got.stdout.trim();
  throw new CommandError(
    EXIT.noInstance,
    `no Flux instance answers: ${got.stderr.trim() || got.reason}; set FLUX_URI`,
  );
}
