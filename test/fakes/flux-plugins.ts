/** Runs the Python plugins under etc with python3 and without Flux. */
import { spawnSync } from "node:child_process";
import { PACKAGE } from "../sandbox/paths.js";

export type PluginRequest = { attributes: unknown } & (
  { usernetes: boolean; options?: string } | { by: "cli" | "validator" }
);

export interface PluginAnswer {
  attributes?: { user?: Record<string, unknown> };
  /** The request for a cluster that the plugin reads from the job's user attributes. */
  asks?: { engine: string | null; debug: boolean; tolerate: number } | null;
  /** The plugin's message if it refuses the job. */
  error?: string;
}

export const whyNoPython =
  spawnSync("python3", ["--version"]).status === 0 ? undefined : "there is no python3";

export function playPlugins(requests: PluginRequest[]): PluginAnswer[] {
  const here = `${PACKAGE}/test/sandbox/python`;
  const { stdout, stderr } = spawnSync(
    "python3",
    [`${here}/play_plugins.py`, `${PACKAGE}/etc/flux`],
    {
      input: requests.map((request) => `${JSON.stringify(request)}\n`).join(""),
      env: { PATH: process.env["PATH"], PYTHONPATH: here, PYTHONDONTWRITEBYTECODE: "1" },
      encoding: "utf8",
      maxBuffer: 1 << 26,
    },
  );
  if (stderr !== "") throw new Error(stderr);
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as PluginAnswer);
}

export function playPlugin(request: PluginRequest): PluginAnswer {
  return playPlugins([request])[0] ?? {};
}
