/**
 * What a cluster was made with and its claim does not have: kept in its entry, which
 * only the instance's owner reads, so that a teardown looks where the bring-up made,
 * whatever the configuration and the daemon's environment are by then.
 */
import type { Config } from "../config/check.js";
import { ADJUSTMENTS } from "../config/schema.js";
import { DEFAULT_OPTIONS, type TemplateOptions } from "../config/template.js";
import type { Site } from "../node/environment.js";

export interface ClusterSettings {
  /** PATH, and what --pass-env named. */
  environment: Record<string, string>;
  template: string;
  /** Not in an entry of an older version: the defaults. */
  options?: TemplateOptions;
  /** The template is a directory of the job's user. */
  isUsers?: true;
  interface?: string;
  shared: Site["shared"];
  /** Not in an entry of an older version. */
  ready?: Site["ready"];
  scheduleOnLead?: Site["scheduleOnLead"];
  adjustments?: Site["adjustments"];
  /** Seconds that one try of a node's teardown may take. */
  teardownTimeout: number;
}

/** What the configuration gives to a cluster that asks for nothing else. */
export function newSite(config: Config, { base, instance }: Pick<Site, "base" | "instance">): Site {
  const { template, options, interface: dev } = config;
  const { shared, ready, scheduleOnLead, adjustments } = config;
  const asked = { shared, ready, scheduleOnLead, adjustments };
  return { base, template, options, interface: dev, ...asked, instance };
}

/** Of the moment: what a new cluster is made with. */
export function settingOf(site: Site, teardownTimeoutMs: number): ClusterSettings {
  const { base, template, options, interface: dev, shared } = site;
  const { ready, scheduleOnLead, adjustments } = site;
  // The broker's address may be another after a restart.
  const environment = Object.fromEntries(
    Object.entries(base).filter(([name]) => name !== "FLUX_URI"),
  );
  const network = dev === undefined ? {} : { interface: dev };
  const teardownTimeout = teardownTimeoutMs / 1000;
  const asked = { shared, ready, scheduleOnLead, adjustments };
  const users = site.isUsers ? { isUsers: site.isUsers } : {};
  return { environment, template, options, ...users, ...network, ...asked, teardownTimeout };
}

/** The site as it was when the cluster was made; an entry of an older version has no setting. */
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

/** What an entry has of it; undefined if it is not a valid setting. */
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

/** A text by name. */
const isTexts = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.values(value).every(isText);

/** An earlier version may not have written all of them. */
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
