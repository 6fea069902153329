/**
 * The first request of a job's cluster is one argument of flux exec, with the scripts of its
 * steps: Linux allows 128 KiB for one (MAX_ARG_STRLEN, execve(2)).
 */
import t from "tap";
import { PREPARE } from "../../lib/cluster/steps.js";
import { checkConfig } from "../../lib/config/check.js";
import { ADJUSTMENTS } from "../../lib/config/schema.js";
import type { Command } from "../../lib/host/command.js";
import { siteVariables, stepEnvironment } from "../../lib/node/environment.js";
import { stepRequest } from "../../lib/node/scripts.js";
import { Session } from "../../lib/node/session.js";
import { newSite } from "../../lib/record/setting.js";
import { choosePorts, DEFAULT_PORTS } from "../../lib/usernetes/ports.js";
import { project, workdir } from "../../lib/usernetes/names.js";
import { ended } from "../fakes/playing-run.js";

const MAX_ARG_STRLEN = 128 << 10;
const JOBID = (1n << 64n) - 1n;
/** The most nodes of a /16 for pods. A hostlist cannot shorten their names. */
const HOSTS = Array.from({ length: 256 }, (_, i) => {
  const letters = String.fromCharCode(97 + (i % 26), 97 + (i >> 4));
  return letters.repeat(29) + "x";
});

/** A text of this many bytes. Each of its characters takes two bytes in JSON. */
const escaped = (bytes: number): string => '"'.repeat(bytes);
const path = (bytes: number): string => `/${escaped(bytes - 1)}`;

/** Variables of the largest total size, with the shortest names or the longest values. */
function environment(kind: "many" | "long"): Record<string, string> {
  const found: Record<string, string> = {};
  const letters = "abcdefghijklmnopqrstuvwxyz".split("");
  const names = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => a + b + c)));
  let left = 16_384;
  for (const name of names) {
    const size = kind === "many" ? 0 : Math.min(4096, left - name.length - 1);
    if (left < name.length + 1 + size || (kind === "long" && size <= 0)) break;
    found[name] = escaped(size);
    left -= name.length + 1 + size;
  }
  return found;
}

function table(kind: "many" | "long") {
  return {
    template: path(1024),
    workdir: path(1024),
    images: path(1024),
    interface: "x".repeat(32),
    adjustments: [...ADJUSTMENTS],
    make: { up: "u".repeat(64), network: "n".repeat(64) },
    "port-variables": Array.from({ length: 32 }, (_, i) =>
      `P${"X".repeat(59)}${10 + i}`.replace(/[0-9]+$/, (n) => `_${n}`),
    ),
    environment: environment(kind),
    hooks: {
      "before-up": [escaped(1024), escaped(3071)],
      "after-ready": [escaped(1024)],
      "before-down": [escaped(1024)],
    },
  };
}

for (const kind of ["many", "long"] as const)
  t.test(
    `the first request fits with all keys at their largest and ${kind} variables`,
    async (t) => {
      const config = checkConfig(table(kind), "test");
      const site = newSite(config, {
        base: { PATH: "x".repeat(2048), FLUX_URI: "x".repeat(256) },
        instance: "x".repeat(36),
      });
      const ranks = HOSTS.map((_, rank) => rank);
      const claim = {
        ...{ version: 1 as const, ranks: "0-255", lead: 0, hosts: HOSTS, userid: 4_294_967_294 },
        ...{ engine: "nerdctl" as const, workdir: workdir(config.workdir, JOBID) },
        ...{ project: project(JOBID), subnet: "10.100.0.0/24", deadline: 0 },
        ports: choosePorts(config.ports, [], config.options.portVariables) ?? DEFAULT_PORTS,
      };
      const commands: Command[] = [];
      const run = (command: Command) => {
        commands.push(command);
        return Promise.resolve(ended({}));
      };
      const members = { ranks, env: site.base, limitS: 900, private: "usernetes-join" };
      const session = new Session(run, members, {
        signal: new AbortController().signal,
        isLost: () => false,
        onChange: () => () => undefined,
        after: () => () => undefined,
      });
      const chain = {
        ...{ steps: PREPARE, ranks, limitS: 900, hooks: config.options.hooks },
        env: stepEnvironment(JOBID, claim, { ...site, excludedWorkers: [] }),
        site: siteVariables(JOBID, claim, site),
      };
      await session.take(chain, stepRequest, { onEnd: () => undefined });
      const sizes = commands.flatMap(({ argv }) => argv.map((word) => Buffer.byteLength(word) + 1));
      const largest = Math.max(...sizes);
      t.ok(largest <= MAX_ARG_STRLEN, `${largest} of ${MAX_ARG_STRLEN} bytes`);
      t.ok(largest > 100_000, `${largest} bytes: it has all of them`);
    },
  );
