/** `flux usernetes doctor`: checks whether each node meets the requirements of clusters. */
import { forTemplates, type Config } from "../config/check.js";
import { loadFile, loadFromBroker } from "../config/load.js";
import { diagnose, isFit } from "../doctor/diagnose.js";
import { DEFAULT_LIMIT_S, examine } from "../doctor/examine.js";
import { asJson } from "../doctor/json.js";
import {
  hasOwnEnvironment,
  namedRequirements,
  requirements,
  userRequirements,
} from "../doctor/requirements.js";
import { report } from "../doctor/table.js";
import { EXIT } from "../errors.js";
import { decodeHostlist } from "../flux/hostlist.js";
import { localEnvironment, nodeEnvironment } from "../host/environment.js";
import type { Run } from "../host/command.js";
import { whoseImages, type Whose } from "../warm/whose.js";
import { HelpedCommand } from "../help/command-help.js";
import { attribute, ranksOf, refuseElsewhere } from "./instance.js";
import { nodeLimitOf } from "./node-limit.js";

interface Options {
  rank?: string;
  user: string[];
  timeout: string;
  config?: string;
  passEnv: string[];
  json?: true;
}

export function doctorCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "doctor",
    summary: "check every node; report what is missing and how to fix it",
    options: {
      "--rank <idset>": "check these ranks only, like 0-3,7",
      "--user <name...>": 'with usernetes.run-as = "sudo": check the engines of these users',
      "-t, --timeout <fsd>": { text: "limit for one node", default: `${DEFAULT_LIMIT_S}s` },
      "--config <file>": "read [usernetes] from this TOML file instead of the broker",
      "--pass-env <name...>":
        "pass these environment variables to the checks, as to the daemon's steps",
      "--json": "print the result as JSON",
    },
    details: [
      `Runs on rank 0, as the instance owner. Each node is checked in the same environment as the
       daemon's steps, and for each of usernetes.templates. FAIL: no cluster can come up there.
       warn: read the advice. On slow nodes a longer --timeout gives each check more time.`,
    ],
    exits: {
      0: "no node fails",
      1: "a node fails or does not answer",
      2: "wrong usage",
      3: "configuration refused",
      4: "no Flux instance",
    },
    examples: ["flux usernetes doctor --rank 1-15", "flux usernetes doctor --user alice bob"],
  }).action((options: Options) => doctor(run, options));
}

async function doctor(run: Run, options: Options): Promise<void> {
  const limitS = nodeLimitOf(options.timeout);
  const { config } = await (options.config === undefined
    ? loadFromBroker(run, localEnvironment())
    : loadFile(options.config));
  const hosts = decodeHostlist(await attribute(run, "hostlist"));
  const ranks = ranksOf(options.rank, hosts.length);
  const owner = await refuseElsewhere(run, "doctor");
  const users = await usersOf(run, options.user, config.runAs, owner);
  process.stderr.write(`checking ${ranks.length} nodes\n`);
  const env = nodeEnvironment(["FLUX_SHELL_RC_PATH", ...options.passEnv]);
  const answers = await examine(run, config, { ranks, env, limitS });
  const diagnoses = diagnose(requirements(config), ranks, { answers, hosts });
  for (const { name: template, config: other } of forTemplates(config)) {
    if (template !== undefined) {
      const answers = await examine(run, other, { ranks, env, template, limitS });
      const wanted = namedRequirements(other, config, template);
      diagnoses.push(...diagnose(wanted, ranks, { answers, hosts, concern: { template } }));
    }
    if (template !== undefined && !hasOwnEnvironment(other, config)) continue;
    for (const { name: user = "", userid } of users) {
      const concern = { user, ...(template !== undefined && { template }) };
      const answers = await examine(run, other, { ranks, env, userid, template, limitS });
      const wanted = userRequirements(other, concern);
      diagnoses.push(...diagnose(wanted, ranks, { answers, hosts, concern }));
    }
  }
  process.stdout.write(options.json ? asJson(diagnoses, hosts) : report(diagnoses, hosts));
  if (!isFit(diagnoses)) process.exitCode = EXIT.failed;
}

/** The users whose engines are checked: only those that the command line names. */
async function usersOf(
  run: Run,
  names: string[],
  runAs: Config["runAs"],
  owner: number,
): Promise<Whose[]> {
  return names.length === 0 ? [] : await whoseImages(run, names, { runAs, owner });
}
