/** Reads the [usernetes] table from the broker, or from a TOML file of the same form. */
import { readFile } from "node:fs/promises";
import { parse, TomlError } from "smol-toml";
import { CommandError, EXIT, messageOf } from "../errors.js";
import { lastLine, noInstanceError } from "../flux/no-instance.js";
import type { Run } from "../host/command.js";
import { checkConfig, type Config } from "./check.js";

/**
 * With a broken TOML file, the broker does not answer `config get`, so each call has this limit.
 */
const DEADLINE_MS = 10_000;

export interface Loaded {
  config: Config;
  /** The table as it was read, without the defaults. */
  table: unknown;
}

export async function loadFile(file: string): Promise<Loaded> {
  const table = (await readTables(file))["usernetes"];
  if (table === undefined)
    throw new CommandError(EXIT.configuration, `${file}: there is no table [usernetes] in it`);
  return { config: checkConfig(table, file), table };
}

async function readTables(file: string): Promise<Record<string, unknown>> {
  try {
    return parse(await readFile(file, "utf8"));
  } catch (error) {
    const where = error instanceof TomlError ? `${file}:${error.line}:${error.column}` : file;
    const fault =
      messageOf(error)
        .split("\n")[0]
        ?.replace(/, open '.*'$/, "") ?? "";
    throw new CommandError(EXIT.configuration, `${where}: ${fault}`, { cause: error });
  }
}

/** Throws a CommandError if the configuration is invalid or not set, or if no instance answers. */
export async function loadFromBroker(run: Run, env: Record<string, string>): Promise<Loaded> {
  const table = await tableOfBroker(run, env);
  if (table === undefined)
    throw new CommandError(
      EXIT.configuration,
      "broker configuration: there is no table [usernetes]; add one with usernetes.template (see flux-config(5)), then `flux config reload`",
    );
  return { config: checkConfig(table, "broker configuration"), table };
}

/**
 * Reads the table of this instance, or of the instance that is `parents` levels further out.
 * Returns undefined if that instance has no such table. Throws a CommandError if no instance
 * answers.
 */
export async function tableOfBroker(
  run: Run,
  env: Record<string, string>,
  parents = 0,
): Promise<unknown> {
  const outwards = Array.from({ length: parents }, () => "--parent");
  const argv = ["flux", ...outwards, "config", "get", "usernetes"];
  const got = await run({ argv, env, timeoutMs: DEADLINE_MS });
  if (got.timedOut)
    throw new CommandError(
      EXIT.configuration,
      "flux config get usernetes: no answer in 10s, which a broken file in the broker's configuration causes; check each file (flux-config(1)), then restart the broker",
    );
  if (got.exitCode === 0) return JSON.parse(got.stdout) as unknown;
  if (got.stderr.includes("is not set")) return undefined;
  throw noInstanceError(lastLine(got), "on rank 0 of one");
}
