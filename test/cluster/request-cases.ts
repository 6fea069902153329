/**
 * What attributes.user asks for, case by case: the daemon (lib/cluster/request.ts)
 * and Flux's own commands (etc/flux/cli/plugins/usernetes.py) have to agree.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";

export interface Asks {
  engine: string | null;
  debug: boolean;
  tolerate: number;
}

export type RequestCase = { user: Record<string, unknown> } & (
  { asks: Asks | null } | { refused: string }
);

const file = join(PACKAGE, "test/cluster/request-cases.json");
export const REQUEST_CASES = JSON.parse(readFileSync(file, "utf8")) as RequestCase[];
