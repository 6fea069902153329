/**
 * The meaning of attributes.user, case by case. The daemon (lib/cluster/request.ts) and Flux's own
 * commands (etc/flux/cli/plugins/usernetes.py) have to agree on each.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE } from "../sandbox/paths.js";

export interface Asks {
  engine: string | null;
  debug: boolean;
  tolerate: number;
  schedule_on_lead: string | null;
  template: string | null;
}

export type RequestCase = { user: Record<string, unknown> } & (
  { asks: Asks | null } | { refused: string }
);

const file = join(PACKAGE, "test/cluster/request-cases.json");
const NOT_ASKED = { schedule_on_lead: null, template: null };
const cases = JSON.parse(readFileSync(file, "utf8")) as RequestCase[];
/** The cases. An option that a case does not name is not requested. */
export const REQUEST_CASES: RequestCase[] = cases.map((each) =>
  "asks" in each && each.asks ? { ...each, asks: Object.assign({}, NOT_ASKED, each.asks) } : each,
);
