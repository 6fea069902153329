/**
 * Finds which nodes meet each requirement and which do not, from the nodes' reports. Pure.
 *
 * A node without a report about a requirement does not fail that requirement: the node did not
 * answer, which is a separate failure.
 */
import type { Answers, CheckReport } from "./examine.js";
import { concerning, type Concern, type Judge, type Requirement } from "./requirement.js";

export interface Diagnosis {
  requirement: Requirement;
  pass: number[];
  /** The ranks with the same fault are in one group. */
  fail: { ranks: number[]; found: string }[];
}

const ANSWERS: Requirement = {
  id: "answer",
  what: "answers",
  how: "flux exec",
  fatal: true,
  fix: "check the broker with flux resource status; if the node hangs, check its engine and its file systems; if it is slow, set --timeout",
};

interface NodeAnswers {
  answers: Answers;
  /** Host names in Flux, by rank. */
  hosts: readonly string[];
  /** What was asked about, if not the instance owner and the site's own template. */
  concern?: Concern;
}

const SUDO_ANSWERS: Requirement = {
  ...ANSWERS,
  how: "flux exec, sudo",
  fix: "install the rule of sudoers.d/usernetes, and make the account known on that node (docs/admin/many-users.md, Clusters of all users)",
};

function answersOf(concern: Concern): Requirement {
  return concerning(concern.user === undefined ? ANSWERS : SUDO_ANSWERS, concern);
}

export function diagnose(
  requirements: Requirement[],
  ranks: number[],
  { answers, hosts, concern = {} }: NodeAnswers,
): Diagnosis[] {
  const faults = new Map<number, string>();
  for (const rank of ranks) {
    const fault = unanswered(answers, rank);
    if (fault !== undefined) faults.set(rank, fault);
  }
  return [
    diagnosis(answersOf(concern), ranks, (rank) => faults.get(rank)),
    ...requirements.map((requirement) => {
      const reports = reportsOf(requirement, ranks, { answers, hosts });
      const judge = judgeOf(requirement, reports);
      return diagnosis(requirement, [...reports.keys()], (rank) => {
        const report = reports.get(rank);
        if (!report) return undefined;
        return report.ok ? judge(report.text) : report.text;
      });
    }),
  ];
}

/** Whether every fatal requirement is met on all nodes. */
export const isFit = (diagnoses: Diagnosis[]): boolean =>
  diagnoses.every(({ requirement, fail }) => !requirement.fatal || fail.length === 0);

function unanswered({ reports, lost }: Answers, rank: number): string | undefined {
  const node = reports.get(rank);
  if (!node) return lost.get(rank) ?? "the node does not answer";
  if (node.has("end")) return undefined;
  return `it stopped after ${[...node.keys()].at(-1) ?? "its beginning"}`;
}

function diagnosis(
  requirement: Requirement,
  ranks: number[],
  faultOf: (rank: number) => string | undefined,
): Diagnosis {
  const pass: number[] = [];
  const fail = new Map<string, number[]>();
  for (const rank of ranks) {
    const found = faultOf(rank);
    if (found === undefined) pass.push(rank);
    else fail.set(found, [...(fail.get(found) ?? []), rank]);
  }
  return { requirement, pass, fail: [...fail].map(([found, ranks]) => ({ ranks, found })) };
}

function reportsOf(
  { id, asked, ofHost }: Requirement,
  ranks: number[],
  { answers, hosts }: NodeAnswers,
) {
  const reports = new Map<number, CheckReport>();
  for (const rank of ranks) {
    const node = answers.reports.get(rank);
    const report = ofHost && node ? { ok: true, text: hosts[rank] ?? "" } : node?.get(asked ?? id);
    if (report) reports.set(rank, report);
  }
  return reports;
}

function judgeOf({ judge, judgeAll }: Requirement, reports: Map<number, CheckReport>): Judge {
  if (judgeAll) return judgeAll(new Map([...reports].map(([rank, { text }]) => [rank, text])));
  return judge ?? (() => undefined);
}
