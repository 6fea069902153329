/**
 * Reads the options of `up` and `down`, and the configuration and attributes of the current
 * instance.
 */
import { checkConfig, type Config } from "../config/check.js";
import { chooseTemplate } from "../config/template.js";
import { loadFile, tableOfBroker } from "../config/load.js";
import { CommandError, EXIT } from "../errors.js";
import { decodeHostlist } from "../flux/hostlist.js";
import { parseJobid } from "../flux/jobid.js";
import { localEnvironment, nodeEnvironment } from "../host/environment.js";
import type { Run } from "../host/command.js";
import { INSTANCE, project, workdir } from "../usernetes/names.js";
import { attribute } from "./instance.js";

export interface SettingOptions {
  config?: string;
  template?: string;
  engine?: string;
  passEnv: string[];
}

export interface InstanceSettings {
  config: Config;
  /** Host names, by rank. */
  hosts: string[];
  /** The job ID of this instance; undefined if the instance is not a job. */
  jobid: bigint | undefined;
  env: Record<string, string>;
  base: Record<string, string>;
  names: () => { workdir: string; project: string };
}

export const SETTING_OPTIONS = {
  "--config <file>": "read [usernetes] from this TOML file instead of the broker",
  "--pass-env <name...>": "pass these environment variables to the steps on the nodes",
};

/** Throws a CommandError if no instance answers, or if the configuration is refused. */
export async function readSetting(
  run: Run,
  options: SettingOptions,
  needsTemplate: boolean,
): Promise<InstanceSettings> {
  const env = localEnvironment();
  const hosts = decodeHostlist(await attribute(run, "hostlist"));
  const jobid = parseJobid(await attribute(run, "jobid").catch(() => ""));
  const config = await readConfig(run, options, env, needsTemplate);
  const base = nodeEnvironment(options.passEnv);
  const names = () => ({
    workdir: workdir(config.workdir, jobid ?? INSTANCE),
    project: project(jobid ?? INSTANCE),
  });
  return { config, hosts, jobid, env, base, names };
}

/**
 * Reads the table of the nearest instance that has one, from this instance outwards, because a
 * batch job's own instance has no table.
 */
async function readConfig(
  run: Run,
  options: SettingOptions,
  env: Record<string, string>,
  needsTemplate: boolean,
): Promise<Config> {
  const { config, template, engine } = options;
  const set = config === undefined ? await nextTable(run, env) : (await loadFile(config)).table;
  const found = set ?? {};
  const isName = template !== undefined && !template.startsWith("/");
  const given = {
    ...(template && !isName && { template }),
    ...(engine && { "container-engine": engine }),
  };
  const table = { ...found, ...given };
  if (engine) delete (table as { engines?: unknown }).engines;
  if (!("template" in table) && !isName && needsTemplate)
    throw new CommandError(
      EXIT.configuration,
      set === undefined
        ? "there is no table [usernetes] in this instance, nor in those it is part of: give --template DIR, a usernetes clone that is on each node"
        : `${config ?? "broker configuration"}: usernetes.template: not set; set it to the usernetes clone that is on each node, or give --template DIR`,
    );
  // A teardown needs no template, so any valid path will do.
  const checked = checkConfig({ template: "/", ...table }, config ?? "broker configuration");
  return isName ? named(checked, template) : checked;
}

/** Returns the configuration with a template of usernetes.templates as its template. */
function named(config: Config, name: string): Config {
  const chosen = chooseTemplate({ ...config, userTemplates: false }, name);
  if (!("allowed" in chosen)) return { ...config, ...chosen };
  const names = Object.keys(config.templates).join(", ");
  throw new CommandError(
    EXIT.usage,
    `--template: found "${name}", allowed: an absolute path${names && `, or the name of a template: ${names}`} (usernetes.templates)`,
  );
}

async function nextTable(run: Run, env: Record<string, string>): Promise<unknown> {
  const level = Number(await attribute(run, "instance-level"));
  for (let parents = 0; parents <= level; parents++) {
    const table = await tableOfBroker(run, env, parents);
    if (table !== undefined) return table;
  }
  return undefined;
}
