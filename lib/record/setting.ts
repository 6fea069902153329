/**
 * What a cluster was made with and its claim does not have: kept in its entry, which
 * only the instance's owner reads, so that a teardown looks where the bring-up made,
 * whatever the configuration and the daemon's environment are by then.
 */
import { ADJUSTMENTS } from "../config/schema.js";
import type { Site } from "../node/environment.js";

export interface Setting {
  /** PATH, and what --pass-env named. */
  environment: Record<string, string>;
  template: string;
  interface?: string;
  shared: Site["shared"];
  /** Not in an entry of an older version. */
  ready?: Site["ready"];
  scheduleOnLead?: Site["scheduleOnLead"];
  adjustments?: Site["adjustments"];
  /** Seconds that one try of a node's teardown may take. */
  teardownTimeout: number;
}

/** Of the moment: what a new cluster is made with. */
export function settingOf(site: Site, teardownTimeoutMs: number): Setting {
  const { base, template, interface: dev, shared } = site;
  const { ready, scheduleOnLead, adjustments } = site;
  // The broker's address may be another after a restart.
  const environment = Object.fromEntries(
    Object.entries(base).filter(([name]) => name !== "FLUX_URI"),
  );
  const own = dev === undefined ? {} : { interface: dev };
  const teardownTimeout = teardownTimeoutMs / 1000;
  const asked = { shared, ready, scheduleOnLead, adjustments };
  return { environment, template, ...own, ...asked, teardownTimeout };
}

/** The site as it was when the cluster was made; an entry of an older version has no setting. */
export function siteOf(site: Site, setting: Setting | undefined): Site {
  if (!setting) return site;
  const { environment, template, shared } = setting;
  const { FLUX_URI } = site.base;
  const base = { ...environment, ...(FLUX_URI === undefined ? {} : { FLUX_URI }) };
  const { ready = site.ready, scheduleOnLead = site.scheduleOnLead } = setting;
  const { adjustments = site.adjustments } = setting;
  return {
    ...site,
    ...{ base, template, shared, ready, scheduleOnLead, adjustments },
    interface: setting.interface,
  };
}

/** What an entry has of it; undefined if it is not a valid setting. */
export function parseSetting(found: unknown): Setting | undefined {
  const setting = found as Partial<Setting> | null | undefined;
  const { environment, template, teardownTimeout, shared, interface: dev } = setting ?? {};
  const { ready = "dns", scheduleOnLead = "auto", adjustments = [] } = setting ?? {};
  const isText = (value: unknown) => typeof value === "string";
  const is =
    typeof environment === "object" &&
    Object.values(environment).every(isText) &&
    isText(template) &&
    ["auto", "yes", "no"].includes(String(shared)) &&
    ["nodes", "network", "dns"].includes(ready) &&
    ["auto", "yes", "no"].includes(scheduleOnLead) &&
    Array.isArray(adjustments) &&
    adjustments.every((name) => (ADJUSTMENTS as readonly unknown[]).includes(name)) &&
    (dev === undefined || isText(dev)) &&
    Number(teardownTimeout) > 0;
  return is ? (setting as Setting) : undefined;
}
