/**
 * Joins the modules of the agent (lib/node/agent) to one program, which travels to the nodes as one
 * argument. Its modules import by `from MODULE import NAME`, and no two define the same name.
 */
import { existsSync, readFileSync } from "node:fs";
import { packagePath } from "../host/package.js";

const fileOf = (name: string) => packagePath("lib", "node", "agent", `${name}.py`);

let source: string | undefined;

/** The text of the agent. Comments are removed, so that less text goes to each node. */
export function agentSource(): string {
  source ??= join("__main__", new Set()).replace(/^\s*#.*\n/gm, "");
  return source;
}

/** A module, with each module of the agent in the place of its first import. */
function join(name: string, joined: Set<string>): string {
  joined.add(name);
  return readFileSync(fileOf(name), "utf8").replace(
    /^from (\w+) import (\([^)]*\)|.*)\n/gm,
    (line, module: string) => {
      if (!existsSync(fileOf(module))) return line;
      return joined.has(module) ? "" : join(module, joined);
    },
  );
}
