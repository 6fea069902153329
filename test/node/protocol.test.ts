/** The protocol: which lines are reports. The agent, the types and the document agree. */
import { readFileSync } from "node:fs";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { agentSource } from "../../lib/node/agent-source.js";
import { parseReport, REPORT_FIELDS } from "../../lib/node/protocol.js";

const read = (...path: string[]) => readFileSync(packagePath(...path), "utf8");
const AGENT = agentSource();
const PAGE = read("docs", "node-protocol.md");

/** The rows of the table under a heading: the first cell, and the names in the second. */
function rowsOf(heading: string): Map<string, string[]> {
  const [, section = ""] = PAGE.split(new RegExp(`^## ${heading}$`, "m"));
  const rows = (section.split(/^## /m)[0] ?? "").matchAll(/^\| `(\w+)` +\|([^|]*)\|/gm);
  return new Map(
    [...rows].map(([, name = "", fields = ""]) => [
      name,
      [...fields.matchAll(/`(\w+\??)`/g)].map(([, field = ""]) => field),
    ]),
  );
}

const sorted = (names: Iterable<string>) => [...names].toSorted();

t.test("a report is recognized by its nonce, and has the rank of its label", (t) => {
  const line = (fields: object, nonce = "abc") => `3: ${JSON.stringify({ nonce, ...fields })}`;
  const end = { report: "end", step: "up", status: "ok", tail: ["a"] };
  t.strictSame(parseReport(line(end), "abc"), { ...end, rank: 3 });
  t.strictSame(parseReport(line({ ...end, exit: 7, shared: true }), "abc"), {
    ...{ ...end, exit: 7, shared: true, rank: 3 },
  });
  t.equal(parseReport(line({ ...end, rank: 9 }), "abc")?.rank, 3, "no rank reports for another");
  t.end();
});

t.test("any other line is not a report", (t) => {
  const good = { report: "end", step: "up", status: "ok", tail: [] };
  const line = (fields: object) => `3: ${JSON.stringify({ nonce: "abc", ...fields })}`;
  t.ok(parseReport(line(good), "abc"));
  for (const text of [
    `3: ${JSON.stringify({ nonce: "ab", ...good })}`,
    `3: ${JSON.stringify(good)}`,
    JSON.stringify({ nonce: "abc", ...good }),
    `x ${line(good)}`,
    `${line(good)} x`,
    line(good).slice(0, -1),
    line({ ...good, report: "fly" }),
    line({ ...good, report: "toString" }),
    line({ ...good, report: ["end"] }),
    line({ ...good, step: 1 }),
    line({ ...good, tail: "x" }),
    line({ ...good, tail: [1] }),
    line({ ...good, exit: "1" }),
    line({ report: "end" }),
    "[1-2]: Exit 3",
    "3: ",
    "",
  ])
    t.equal(parseReport(text, "abc"), undefined, text);
  t.end();
});

t.test("the document has each report and its fields", (t) => {
  const rows = rowsOf("Reports");
  t.strictSame(sorted(rows.keys()), sorted(Object.keys(REPORT_FIELDS)));
  for (const [name, fields] of Object.entries(REPORT_FIELDS))
    t.strictSame(sorted(rows.get(name) ?? []), sorted(Object.keys(fields)), name);
  t.end();
});

t.test("the agent sends each report with its fields", (t) => {
  const sent = new Map<string, Set<string>>();
  for (const [, name = "", rest = ""] of AGENT.matchAll(
    /\.send\(\s*"(\w+)"((?:[^()]|\([^()]*(?:\([^()]*(?:\([^()]*\)[^()]*)*\)[^()]*)*\))*)\)/g,
  )) {
    const fields = sent.get(name) ?? new Set();
    // The arguments of calls inside a call are not fields.
    const flat = rest.replaceAll(/\((?:[^()]|\([^()]*\))*\)/g, "");
    for (const [, field = ""] of flat.matchAll(/\b(\w+)=(?!=)/g)) fields.add(field);
    sent.set(name, fields);
  }
  for (const own of ["started", "over"]) t.ok(sent.delete(own), `${own} is the agent's own`);
  t.strictSame(sorted(sent.keys()), sorted(Object.keys(REPORT_FIELDS)));
  for (const [name, fields] of Object.entries(REPORT_FIELDS)) {
    const always = Object.keys(fields).filter((field) => !field.endsWith("?"));
    // A runner does not know whose it is; its agent adds that.
    t.strictSame(sorted(sent.get(name) ?? []), sorted(always), name);
  }
  for (const field of ["exit", "shared"])
    t.match(AGENT, new RegExp(`"${field}"|\\b${field}=`), `end may have ${field}`);
  t.end();
});

t.test("the document has each request and its fields", (t) => {
  const types = read("lib", "node", "protocol.ts").replaceAll(/\/\*\*.*?\*\//gs, "");
  const [, union = ""] = /export type Request =([\s\S]*?)\n\n/.exec(types) ?? [];
  const requests = new Map(
    union.split(/^ {2}\| /m).flatMap((text) => {
      const [, name] = /do: "(\w+)"/.exec(text) ?? [];
      const fields = [...text.matchAll(/[ {;](\w+): /g)].map(([, field = ""]) => field);
      return name === undefined ? [] : [[name, fields.filter((field) => field !== "do")] as const];
    }),
  );
  const rows = rowsOf("Requests");
  t.equal(requests.size, 5);
  for (const [name, fields] of requests)
    t.strictSame(sorted(rows.get(name) ?? []), sorted(fields), name);
  for (const name of requests.keys()) t.match(AGENT, `"${name}"`);
  const [, step = ""] = /export interface StepRequest \{([\s\S]*?)\n\}/.exec(types) ?? [];
  for (const [, field = ""] of step.matchAll(/^ {2}(\w+)\??:/gm)) {
    t.ok(rows.has(field), `the page has ${field} of a step`);
    t.match(AGENT, `"${field}"`);
  }
  t.end();
});
