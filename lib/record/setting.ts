/**
 * The settings of a cluster that are not in its claim. Its entry keeps them, and only the instance
 * owner can read the entry. A teardown uses the settings of the bring-up, even if the configuration
 * or the daemon's environment has changed.
 */
import type { Config } from "../config/check.js";
import { ADJUSTMENTS } from "../config/schema.js";
import { DEFAULT_OPTIONS, type TemplateOptions } from "../config/template.js";
import type { Site } from "../node/environment.js";

export interface ClusterSettings {
  /** PATH, and the variables that --pass-env names. */
  environment: Record<string, string>;
  template: string;
  /** Absent in an entry of an older version, which means the defaults. */
  options?: TemplateOptions;
  /** The template is a directory of the job's user. */
  isUsers?: true;
  interface?: string;
  shared: Site["shared"];
  /** Absent in an entry of an older version, like the next two. */
  ready?: Site["ready"];
  scheduleOnLead?: Site["scheduleOnLead"];
  adjustments?: Site["adjustments"];
  /** Seconds that one try of a node's teardown may take. */
  teardownTimeout: number;
}

/** The settings of a cluster that requests nothing else, from the configuration. */
export function newSite(config: Config, { base, instance }: Pick<Site, "base" | "instance">): Site {
  const { template, options, interface: dev } = config;
  const { shared, ready, scheduleOnLead, adjustments } = config;
  const asked = { shared, ready, scheduleOnLead, adjustments };
  return { base, template, options, interface: dev, ...asked, instance };
}

/** The settings for the entry of a new cluster. */
export function settingOf(site: Site, teardownTimeoutMs: number): ClusterSettings {
  const { base, template, options, interface: dev, shared } = site;
  const { ready, scheduleOnLead, adjustments } = site;
  // The broker's address may change at a restart.
  const environment = Object.fromEntries(
    Object.entries(base).filter(([name]) => name !== "FLUX_URI"),
  );
  const network = dev === undefined ? {} : { interface: dev };
  const teardownTimeout = teardownTimeoutMs / 1000;
  const asked = { shared, ready, scheduleOnLead, adjustments };
  const users = site.isUsers ? { isUsers: site.isUsers } : {};
  return { environment, template, options, ...users, ...network, ...asked, teardownTimeout };
}

/**
 * The site's settings at the time of the cluster's claim. An entry of an older version has no
 * setting; then the current settings apply.
 */
export function siteOf(site: Site, setting: ClusterSettings | undefined): Site {
  if (!setting) return site;
  const { environment, template, shared } = setting;
  const options = { ...DEFAULT_OPTIONS, ...setting.options };
  const { FLUX_URI } = site.base;
  const base = { ...environment, ...(FLUX_URI === undefined ? {} : { FLUX_URI }) };
  const { ready = site.ready, scheduleOnLead = site.scheduleOnLead } = setting;
  const { adjustments = site.adjustments } = setting;
  return {
    ...site,
    ...{ base, template, options, shared, ready, scheduleOnLead, adjustments },
    interface: setting.interface,
    ...(setting.isUsers ? { isUsers: true as const } : {}),
  };
}

/** Returns the setting of an entry; undefined if it is not valid. */
export function parseSetting(found: unknown): ClusterSettings | undefined {
  const setting = found as Partial<ClusterSettings> | null | undefined;
  const { environment, template, teardownTimeout, shared, interface: dev } = setting ?? {};
  const { ready = "dns", scheduleOnLead = "auto", adjustments = [] } = setting ?? {};
  const isValid =
    isTexts(environment) &&
    isText(template) &&
    ["auto", "yes", "no"].includes(String(shared)) &&
    ["nodes", "network", "dns"].includes(ready) &&
    ["auto", "yes", "no"].includes(scheduleOnLead) &&
    Array.isArray(adjustments) &&
    adjustments.every((name) => (ADJUSTMENTS as readonly unknown[]).includes(name)) &&
    (setting?.options === undefined || isOptions(setting.options)) &&
    (dev === undefined || isText(dev)) &&
    Number(teardownTimeout) > 0;
  return isValid ? (setting as ClusterSettings) : undefined;
}

const isText = (value: unknown): boolean => typeof value === "string";
const isList = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

/** Whether a value is an object whose values are strings. */
const isTexts = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.values(value).every(isText);

/** An entry of an earlier version may lack some of the options. */
function isOptions(found: unknown): boolean {
  if (typeof found !== "object" || found === null) return false;
  const { make, portVariables, environment, images, hooks } = {
    ...DEFAULT_OPTIONS,
    ...(found as Partial<TemplateOptions>),
  };
  return (
    isTexts(make) &&
    isText(make.up) &&
    isText(make.network) &&
    isList(portVariables) &&
    isTexts(environment) &&
    (images === undefined || isText(images)) &&
    typeof (hooks as unknown) === "object" &&
    Object.values(hooks).every(isList)
  );
}
