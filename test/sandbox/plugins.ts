/**
 * Runs this package's plugins of flux-submit(1) and of the job validator, which are in Python. As
 * in Flux, they are active if FLUX_CLI_PLUGINPATH or the configuration names them.
 */
import { join } from "node:path";
import { playPlugin } from "../fakes/flux-plugins.js";
import type { Call } from "./call.js";
import { Refusal } from "./refusal.js";
import type { JobRequest, Jobspec } from "./jobspec.js";
import { PACKAGE } from "./paths.js";

/** The entry in FLUX_CLI_PLUGINPATH that activates the CLI plugin. */
export const CLI_PLUGINS = join(PACKAGE, "etc/flux/cli/plugins");
/** The entry in ingest.validator.plugins that activates the validator. */
export const VALIDATOR = join(PACKAGE, "etc/flux/ingest/validators/usernetes.py");

const installed = (env: Record<string, string>): boolean =>
  (env["FLUX_CLI_PLUGINPATH"] ?? "").split(":").includes(CLI_PLUGINS);

/** Returns the jobspec with the changes that the plugin's options make. */
export function withPluginOptions(call: Call, request: JobRequest, jobspec: Jobspec): Jobspec {
  const { options, command } = request;
  const given = options.get("usernetes-options");
  const usernetes = options.has("usernetes");
  if (!usernetes && given === undefined) return jobspec;
  if (!installed(call.env))
    throw new Refusal(`flux ${command}: error: unrecognized arguments: --usernetes`, 2);
  const { attributes } = jobspec;
  const played = playPlugin({
    attributes,
    usernetes,
    ...(given === undefined ? {} : { options: given }),
  });
  if (played.error !== undefined) throw new Refusal(`flux-${command}: ERROR: ${played.error}`);
  return { ...jobspec, attributes: played.attributes as Jobspec["attributes"] };
}

/** Throws a Refusal if the job validator rejects the job. */
export function validate({ instance }: Call, command: string, { attributes }: Jobspec): void {
  // Only jobs with usernetes attributes can be refused. Skipping the others saves a process.
  if (!Object.keys(attributes.user ?? {}).some((key) => key.startsWith("usernetes"))) return;
  const plugins = instance.configuration.get("ingest.validator.plugins") ?? ["jobspec"];
  const names = plugins as string[];
  const byCli = names.includes("jobspec") && installed(instance.environment);
  if (!byCli && !names.includes(VALIDATOR)) return;
  const { error } = playPlugin({ attributes, by: byCli ? "cli" : "validator" });
  if (error === undefined) return;
  throw new Refusal(`${command === "submit" ? "[Errno 1]" : `flux-${command}: ERROR:`} ${error}`);
}
