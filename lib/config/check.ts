/**
 * Checks a [usernetes] table and converts it into the Config that the rest of the package uses. The
 * message of a fault has the key's full name, the value that was found, and the allowed values.
 */
import { Ajv, type ErrorObject } from "ajv";
import { CommandError, EXIT } from "../errors.js";
import { parseFsd } from "../flux/fsd.js";
import type { EngineName } from "../usernetes/engine.js";
import { parsePortRange, portCount, type PortRange } from "../usernetes/ports.js";
import { parsePool, type Pool } from "../usernetes/subnets.js";
import { bytesOf, PATH_MAX } from "./bytes.js";
import { hooksFault } from "./hooks.js";
import { parseListen, type Listen } from "./listen.js";
import { FORMATS, schema, type NamedTemplate, type Table } from "./schema.js";
import { environmentFault } from "./site-environment.js";
import {
  DEFAULT_OPTIONS,
  isTemplateName,
  type Template,
  type TemplateOptions,
} from "./template.js";

export interface Config {
  template: string;
  /** The keys that go with `template`. */
  options: TemplateOptions;
  /** Further templates, by name. */
  templates: Record<string, Template>;
  /** Whether a job may name a directory of its own user as the template. */
  userTemplates: boolean;
  workdir: string;
  engine: EngineName;
  /** The engines that a job may request, including `engine`. */
  engines: EngineName[];
  ports: PortRange;
  subnets: Pool;
  interface: string | undefined;
  runAs: Table["run-as"];
  shared: Table["shared-filesystem"];
  hold: Table["hold"];
  bringUpTimeoutMs: number;
  teardownTimeoutMs: number;
  attempts: Table["attempts"];
  joinFanout: number;
  drain: boolean;
  undrain: boolean;
  extendTimeLimit: boolean;
  ready: Table["ready"];
  scheduleOnLead: Table["schedule-on-lead"];
  adjustments: Table["adjustments"];
  /** The address that serves metrics; undefined if metrics are off. */
  metricsListen: Listen | undefined;
}

/** The configuration of a job that requests a template; without a name, the site's own. */
export interface ForTemplate {
  name: string | undefined;
  config: Config;
}

/** The configuration for the site's own template, and for each of usernetes.templates. */
export function forTemplates(config: Config): ForTemplate[] {
  const named = Object.entries(config.templates).map(
    ([name, { template, options }]): ForTemplate => ({
      name,
      config: { ...config, template, options },
    }),
  );
  return [{ name: undefined, config }, ...named];
}

/**
 * Variables that already have a meaning for the steps, for make or for the programs that they
 * start.
 */
const RESERVED =
  /^(PORT_(ETCD|KUBELET|FLANNEL|KUBE_APISERVER)|(U7S|USERNETES|FLUX|MAKE|COMPOSE|LD|LC|XDG|DOCKER|CONTAINER|CONTAINERS|NODE|HOST)_.*|COMPOSE|MAKE.*|QUICK|PATH|HOME|HOSTNAME|USER|LOGNAME|SHELL|IFS|ENV|LANG|TERM|TMPDIR|PWD|OLDPWD|KUBECONFIG|PYTHON.*|BASH.*)$/;
const isPortVariable = (text: string) =>
  /^[A-Z_][A-Z0-9_]{0,62}$/.test(text) && !RESERVED.test(text);
const ajv = new Ajv({ useDefaults: true, allErrors: false, verbose: true });
ajv.addVocabulary(["allowed"]);
const isPath = (text: string) =>
  text.startsWith("/") && !/\/\.\.?(\/|$)|\n|:/.test(text) && bytesOf(text) <= PATH_MAX;
ajv.addFormat("absolute-path", isPath);
ajv.addFormat("port-range", (text: string) => parsePortRange(text) !== undefined);
ajv.addFormat("subnet-pool", (text: string) => parsePool(text) !== undefined);
const isTarget = (text: string) => /^[A-Za-z0-9_][A-Za-z0-9_./-]{0,63}$/.test(text);
ajv.addFormat("make-target", isTarget);
ajv.addFormat("port-variable", isPortVariable);
ajv.addFormat("make-target-or-none", (text: string) => text === "" || isTarget(text));
ajv.addFormat("interface", /^[A-Za-z0-9_.@-]{1,32}$/);
ajv.addFormat("listen", (text: string) => parseListen(text) !== undefined);
ajv.addFormat("fsd", (text: string) => (parseFsd(text) ?? 0) > 0);
const validate = ajv.compile<Table>(schema);

/**
 * Checks a table and returns its Config. Throws a CommandError (configuration) for the first fault.
 * `where` names the source of the table.
 */
export function checkConfig(found: unknown, where: string): Config {
  const table: unknown = structuredClone(found);
  if (!validate(table)) throw refuse(where, describe(validate.errors?.[0]));
  const engine = table["container-engine"];
  const engines = table.engines ?? [engine];
  if (!engines.includes(engine))
    throw refuse(
      where,
      `usernetes.engines: found ${JSON.stringify(engines)}, allowed: a list with usernetes.container-engine ("${engine}")`,
    );
  const ports = parsePortRange(table.ports) ?? "default";
  const place = { where, base: table.workdir };
  const options = optionsOf(table, DEFAULT_OPTIONS, { key: "usernetes", ...place });
  const templates = templatesOf(table, options, place);
  for (const each of [options, ...Object.values(templates).map((other) => other.options)])
    refuseRange(ports, each, where);
  return {
    template: withoutSlash(table.template),
    options,
    templates,
    userTemplates: table["user-templates"],
    workdir: withoutSlash(table.workdir),
    engine,
    engines,
    ports,
    subnets: parsePool(table.subnets) ?? { address: 0, size: 0 },
    interface: table.interface,
    runAs: table["run-as"],
    shared: table["shared-filesystem"],
    hold: table.hold,
    bringUpTimeoutMs: parseFsd(table["bring-up-timeout"]) ?? 0,
    teardownTimeoutMs: parseFsd(table["teardown-timeout"]) ?? 0,
    attempts: table.attempts,
    joinFanout: table["join-fanout"],
    drain: table.drain,
    undrain: table.undrain,
    extendTimeLimit: table["extend-time-limit"],
    ready: table.ready,
    scheduleOnLead: table["schedule-on-lead"],
    adjustments: table.adjustments,
    metricsListen: parseListen(table["metrics-listen"] ?? ""),
  };
}

interface Place {
  /** The name of the source. */
  where: string;
  /** usernetes.workdir. */
  base: string;
}

/** Returns the keys that go with a template. A key that is not set is taken from `others`. */
function optionsOf(
  table: Omit<NamedTemplate, "template">,
  others: TemplateOptions,
  { key, where, base }: Place & { key: string },
): TemplateOptions {
  const { make, "port-variables": portVariables, environment, images, hooks } = table;
  const variable = environmentFault(environment ?? others.environment, {
    portVariables: portVariables ?? others.portVariables,
    base,
  });
  if (variable !== undefined) throw refuse(where, `${key}.environment${variable}`);
  const hook = hooksFault(hooks ?? {});
  if (hook !== undefined) throw refuse(where, `${key}.hooks${hook}`);
  const set = {
    ...(make && { make }),
    ...(portVariables && { portVariables }),
    ...(environment && { environment }),
    ...(images !== undefined && { images: images.replace(/(.)\/+$/, "$1") }),
    ...(hooks && { hooks }),
  };
  return { ...others, ...set };
}

function templatesOf(
  table: Table,
  options: TemplateOptions,
  place: Place,
): Record<string, Template> {
  const { where } = place;
  const named = Object.entries(table.templates).map(([name, each]): [string, Template] => {
    const key = `usernetes.templates.${name}`;
    if (!isTemplateName(name))
      throw refuse(
        where,
        `usernetes.templates: found the name ${show(name)}, allowed: letters, digits and "_", ".", "-", and a letter or digit first`,
      );
    const { template } = each;
    return [
      name,
      { template: withoutSlash(template), options: optionsOf(each, options, { key, ...place }) },
    ];
  });
  return Object.fromEntries(named);
}

const withoutSlash = (path: string): string => path.replace(/(.)\/+$/, "$1");

/** Refuses a range that is too small for the ports of one cluster. */
function refuseRange(ports: PortRange, { portVariables }: TemplateOptions, where: string): void {
  const count = portCount(portVariables);
  if (ports === "default" || ports.last - ports.first + 1 >= count) return;
  throw refuse(
    where,
    `usernetes.ports: found "${ports.first}-${ports.last}", allowed: a range of ${count} ports or more, usernetes' own four and one for each of usernetes.port-variables`,
  );
}

function describe(error: ErrorObject | undefined): string {
  if (!error) return "usernetes: not a valid table";
  const key = `usernetes${error.instancePath.replaceAll("/", ".")}`;
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case "additionalProperties": {
      const allowed = Object.keys((error.parentSchema?.["properties"] as object | undefined) ?? {});
      return `${key}.${String(params["additionalProperty"])}: there is no such key; allowed: ${allowed.join(", ")}`;
    }
    case "required":
      return `${key}.${String(params["missingProperty"])}: not set; set it to the usernetes clone that is on each node`;
    default:
      return `${key}: found ${show(error.data)}, allowed: ${allowed(error)}`;
  }
}

function allowed(error: ErrorObject): string {
  const params = error.params as Record<string, unknown>;
  const parent = (error.parentSchema ?? {}) as { allowed?: string; format?: string; type?: string };
  if (parent.allowed) return parent.allowed;
  if (error.keyword === "enum") return (params["allowedValues"] as string[]).join(", ");
  if (parent.format) return FORMATS[parent.format]?.allowed ?? parent.format;
  if (error.keyword === "type") return `a value of type ${String(params["type"])}`;
  if (error.keyword === "minItems") return "one engine or more";
  if (error.keyword === "uniqueItems") return "each once";
  return (error.message ?? error.keyword).replace(/^must be /, "");
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

function refuse(where: string, fault: string): CommandError {
  return new CommandError(EXIT.configuration, `${where}: ${fault}`);
}
