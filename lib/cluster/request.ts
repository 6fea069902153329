/** Parses the request of a job in attributes.user.usernetes and its options. */
import { isTemplateName, isTemplatePath } from "../config/template.js";
import { isEngine, type EngineName } from "../usernetes/engine.js";

export interface Request {
  engine: EngineName | undefined;
  /** Whether the job is held after the bring-up, until it is released. */
  debug: boolean;
  /** Number of workers that may fail. */
  tolerate: number;
  /** Whether pods may run on the lead; undefined for the configured value. */
  scheduleOnLead: ScheduleOnLead | undefined;
  /** The name of a template, or a directory; undefined for the site's default template. */
  template: string | undefined;
}

/** "auto": pods may run on the lead only if it is the only node. */
export type ScheduleOnLead = "auto" | "yes" | "no";

export type Parsed = { asks: false } | { asks: true; request: Request } | { refused: string };

const OPTIONS = ["engine", "debug", "tolerate", "schedule_on_lead", "template"];
const YES = ["yes", "true", "on", "1"];
const NO = ["no", "false", "off", "0", ""];
const YES_OR_NO = "yes or no (also true, on, 1, false, off, 0)";

/** Parses yes or no. Returns undefined for any other value. */
function flag(value: unknown): boolean | undefined {
  if (value === null || value === false || value === 0) return false;
  if (value === true || value === 1) return true;
  const text = typeof value === "string" ? value.toLowerCase() : "";
  if (typeof value === "string" && NO.includes(text)) return false;
  return YES.includes(text) ? true : undefined;
}

/** Parses a request. `user`: attributes.user, or its usernetes* keys. */
export function parseRequest(user: Record<string, unknown>): Parsed {
  const asked = user["usernetes"];
  const options = isObject(asked) ? asked : {};
  if (!isObject(asked)) {
    const yes = asked === undefined ? false : flag(asked);
    if (yes === undefined)
      return refuse("usernetes", asked, `${YES_OR_NO}, or an object {"engine": ..., "debug": ...}`);
    if (!yes) return { asks: false };
  }
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key));
  if (unknown !== undefined)
    return refuse(
      `usernetes.${unknown.slice(0, 40)}`,
      options[unknown],
      "only engine, debug, tolerate, schedule_on_lead and template",
    );
  return parseOptions({
    debug: user["usernetes_debug"] ?? options["debug"] ?? false,
    engine: user["usernetes_engine"] ?? options["engine"],
    tolerate: user["usernetes_tolerate"] ?? options["tolerate"] ?? 0,
    schedule: user["usernetes_schedule_on_lead"] ?? options["schedule_on_lead"],
    template: user["usernetes_template"] ?? options["template"],
  });
}

interface Found {
  debug: unknown;
  engine: unknown;
  tolerate: unknown;
  schedule: unknown;
  template: unknown;
}

function parseOptions(found: Found): Parsed {
  const debug = flag(found.debug);
  if (debug === undefined) return refuse("usernetes_debug", found.debug, YES_OR_NO);
  const engine = found.engine;
  if (engine !== undefined && !(typeof engine === "string" && isEngine(engine)))
    return refuse("usernetes_engine", engine, "docker, podman or nerdctl");
  const tolerate = typeof found.tolerate === "string" ? decimal(found.tolerate) : found.tolerate;
  if (typeof tolerate !== "number" || !Number.isInteger(tolerate) || tolerate < 0)
    return refuse("usernetes_tolerate", found.tolerate, "a whole number of workers");
  const scheduleOnLead = scheduling(found.schedule);
  if (scheduleOnLead === null)
    return refuse("usernetes_schedule_on_lead", found.schedule, `auto, ${YES_OR_NO}`);
  const { template } = found;
  if (template !== undefined && !isTemplate(template))
    return refuse("usernetes_template", template, TEMPLATES);
  return { asks: true, request: { debug, engine, tolerate, scheduleOnLead, template } };
}

const TEMPLATES =
  'the name of a template of the site, or an absolute path of 1024 bytes or less, without ":" and without the parts "." and ".."';
const isTemplate = (value: unknown): value is string =>
  typeof value === "string" && (isTemplateName(value) || isTemplatePath(value));

/** Parses schedule_on_lead. Returns null if the value is not valid. */
function scheduling(value: unknown): ScheduleOnLead | undefined | null {
  if (value === undefined) return undefined;
  if (typeof value === "string" && value.toLowerCase() === "auto") return "auto";
  const yes = flag(value);
  return yes === undefined ? null : yes ? "yes" : "no";
}

function decimal(text: string): number {
  return /^[0-9]{1,6}$/.test(text) ? Number(text) : NaN;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(key: string, found: unknown, allowed: string): Parsed {
  const text = JSON.stringify(found) as string | undefined;
  const shown = (text ?? "nothing").slice(0, 80).replace(/[^\x20-\x7e]/g, "?");
  return { refused: `attributes.user.${key}: found ${shown}, allowed: ${allowed}` };
}
