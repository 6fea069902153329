/** What a job's attributes request, and which values are refused (lib/cluster/request.ts). */
import t from "tap";
import { parseRequest } from "../../lib/cluster/request.js";
import { REQUEST_CASES, type Asks } from "./request-cases.js";

/** The request as the table has it: null instead of undefined, which JSON does not have. */
function parsed(user: Record<string, unknown>): { asks: Asks | null } | { refused: string } {
  const request = parseRequest(user);
  if ("refused" in request) return { refused: request.refused };
  if (!request.asks) return { asks: null };
  const { scheduleOnLead, template, ...rest } = request.request;
  return {
    asks: {
      ...rest,
      engine: rest.engine ?? null,
      schedule_on_lead: scheduleOnLead ?? null,
      template: template ?? null,
    },
  };
}

for (const { user, ...expected } of REQUEST_CASES)
  t.test(
    `the attributes ${JSON.stringify(user).slice(0, 80)} are understood as in the table`,
    (t) => {
      t.same(parsed(user), expected);
      t.end();
    },
  );

t.test("a refusal shows no control characters", (t) => {
  const parsed = parseRequest({ usernetes: `\u001b[31m${"ü".repeat(500)}` });
  const refused = "refused" in parsed ? parsed.refused : "";
  t.match(refused, /^[\x20-\x7e]+$/);
  t.ok(refused.length < 250);
  t.end();
});
