/** Starts an embedded Flux in this process, for tests and demonstrations. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ConfigurationSource } from "./configuration.js";
import type { Result } from "../hosts/run-command.js";
import { runFlux } from "./run-flux.js";
import { assertAscii, Host } from "./host.js";
import { Instance } from "./instance.js";
import { BIN, ENGINES, TEMPLATE } from "./paths.js";
import { hostEnvironment } from "./process.js";
import { listen } from "./server.js";

export interface StartOptions {
  /** The number of ranks; 4 if not given. */
  size?: number;
  /** The configuration in TOML. `@SANDBOX@` in it is replaced by the root directory. */
  config?: string;
  configDir?: string;
  /** The root directory, which is kept at the end. By default a fresh one is used and removed. */
  root?: string;
  /** The factor for all delays, from 1 (the speed of an idle Flux) to 0 (no delays). */
  pace?: number;
  /** False disables the shell plugin, as if it were not installed. */
  shellPlugin?: boolean;
  /** Further variables for the instance and all its processes. */
  env?: Record<string, string>;
  /** A folder of engines and kubectl in place of the stand-ins. */
  engines?: string;
  /** Returns the command prefix for every command of a host. */
  wrap?: (host: string) => string[];
}

export interface Sandbox {
  instance: Instance;
  /** The root directory, which contains hosts/ and testbed/. */
  root: string;
  /** The stand-in template's directory of steps.log, seconds/ and fault/. */
  testbed: string;
  /** The environment of a process of rank 0. */
  env: Record<string, string>;
  /** The environment of a process of any rank. */
  environmentOf(rank: number): Record<string, string>;
  /** The path of a rank's own disk, which is `@SANDBOX@/hosts/self` in the configuration. */
  disk(rank: number): string;
  /** Runs `flux ARGS` as rank 0, with `input` on stdin. */
  flux(args: string[], input?: string): Promise<Result>;
  /** Changes the configuration. The change takes effect at a reload. */
  configure(toml: string): void;
  stop(): Promise<void>;
}

/** A configuration that uses the stand-in template and each host's own disk. */
export const DEFAULT_CONFIG = `[usernetes]\ntemplate = "${TEMPLATE}"\nworkdir = "@SANDBOX@/hosts/self"\n`;

export async function startInstance(options: StartOptions = {}): Promise<Sandbox> {
  const root = options.root ?? mkdtempSync("/tmp/flux-root-");
  assertAscii(root);
  for (const name of ["engine", "cluster", "fault", "seconds"])
    mkdirSync(join(root, "testbed", name), { recursive: true });
  const hosts = Array.from(
    { length: options.size ?? 4 },
    (_, rank) => new Host(root, `node${rank}`, options.wrap?.(`node${rank}`)),
  );
  const configuration: ConfigurationSource = options.configDir
    ? { directory: options.configDir }
    : { text: options.config ?? DEFAULT_CONFIG };
  const first = `${BIN}:${options.engines ?? ENGINES}`;
  const environment = {
    ...callersEnvironment(),
    ...options.env,
    PATH: `${first}:${(process.env["PATH"] ?? "").replace(`${first}:`, "")}`,
  };
  const instance = await Instance.open({
    root,
    listen,
    hosts,
    configuration,
    environment,
    ...(options.pace === undefined ? {} : { pace: options.pace }),
    shellPlugin: options.shellPlugin ?? true,
  });
  const environmentOf = (rank: number): Record<string, string> => ({
    ...environment,
    ...hostEnvironment(instance.host(rank), instance.uri(rank)),
  });
  const env = environmentOf(0);
  return {
    instance,
    root,
    testbed: join(root, "testbed"),
    env,
    environmentOf,
    disk: (rank) => instance.host(rank).directory,
    flux: (args, input) => runFlux(args, { env, cwd: process.cwd(), input }),
    configure: (toml) => {
      instance.configuration.source = { text: toml };
    },
    async stop() {
      await instance.close();
      if (options.root === undefined && existsSync(root))
        rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Returns the environment without the variables with which a test runner instruments Node.js. */
function callersEnvironment(): Record<string, string> {
  const env = Object.entries(process.env as Record<string, string>);
  return Object.fromEntries(env.filter(([key]) => !/^(NODE_OPTIONS$|_?TAP)/.test(key)));
}
