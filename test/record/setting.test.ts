/** The settings that a cluster's entry keeps for its teardown. */
import t from "tap";
import { parseSetting, settingOf, siteOf } from "../../lib/record/setting.js";
import { DEFAULT_OPTIONS } from "../../lib/config/template.js";
import { parseOpenCluster } from "../../lib/record/writer.js";
import type { Site } from "../../lib/node/environment.js";
import { claimOf } from "../fakes/clusters.js";

const SITE: Site = {
  base: { PATH: "/opt/engine/bin:/usr/bin", FLUX_URI: "local:///a", STORE: "one" },
  template: "/opt/one",
  options: {
    make: { up: "up-built", network: "" },
    portVariables: ["PORT_CALICO"],
    environment: { TMPDIR: "/var/tmp/{user}" },
    images: "/srv/images",
    hooks: { "before-up": ["/bin/true", "a b"] },
  },
  interface: "eth1",
  shared: "no",
  ready: "network",
  scheduleOnLead: "no",
  adjustments: ["one-sync"],
  instance: "uuid",
};
const LATER: Site = {
  base: { PATH: "/usr/bin", FLUX_URI: "local:///b" },
  template: "/opt/two",
  options: DEFAULT_OPTIONS,
  interface: undefined,
  shared: "yes",
  ready: "dns",
  scheduleOnLead: "auto",
  adjustments: [],
  instance: "uuid",
};

t.test("steps get the cluster's own settings, and the current broker", (t) => {
  const setting = settingOf(SITE, 300_000);
  t.equal(setting.teardownTimeout, 300);
  t.notOk(JSON.stringify(setting).includes("local://"));
  t.strictSame(siteOf(LATER, setting), {
    ...SITE,
    base: { PATH: "/opt/engine/bin:/usr/bin", STORE: "one", FLUX_URI: "local:///b" },
  });
  t.strictSame(siteOf(SITE, settingOf(LATER, 1000)).interface, undefined);
  const users = { ...SITE, isUsers: true as const };
  t.equal(siteOf(LATER, settingOf(users, 1000)).isUsers, true);
  t.equal(siteOf(LATER, undefined), LATER, "an older entry has none");
  t.end();
});

t.test("an entry of an older version has the default options, whatever the table has", (t) => {
  const { options, ...older } = settingOf(LATER, 1000);
  t.strictSame(siteOf(SITE, older).options, options);
  const hadFewer = { ...older, options: { make: SITE.options.make } } as typeof older;
  t.strictSame(siteOf(SITE, hadFewer).options, { ...DEFAULT_OPTIONS, make: SITE.options.make });
  t.end();
});

t.test("an entry keeps its setting, and one that is malformed is ignored alone", (t) => {
  const entry = { jobid: "5", claim: claimOf("0", ["a"]), setting: settingOf(SITE, 1000) };
  t.strictSame(parseOpenCluster(JSON.stringify(entry)), entry);
  for (const setting of [
    null,
    5,
    {},
    { ...entry.setting, environment: { A: 1 } },
    { ...entry.setting, shared: "x" },
    { ...entry.setting, ready: "x" },
    { ...entry.setting, adjustments: ["$(id)"] },
    { ...entry.setting, options: null },
    { ...entry.setting, options: { make: { up: "up" } } },
    { ...entry.setting, options: { portVariables: [1] } },
    { ...entry.setting, options: { environment: { A: 1 } } },
    { ...entry.setting, options: { images: 1 } },
    { ...entry.setting, options: { hooks: { "before-up": "true" } } },
  ])
    t.strictSame(parseOpenCluster(JSON.stringify({ ...entry, setting })), {
      jobid: "5",
      claim: entry.claim,
    });
  t.equal(parseSetting(undefined), undefined);
  t.end();
});
