/**
 * Which nodes meet each requirement and which do not, from what they say. Pure.
 *
 * A node that did not tell of a requirement fails none: it did not answer, which is
 * a failure of its own.
 */
import type { Answers, Told } from "./examine.js";
import { SKEW_S } from "./place-requirements.js";
import type { Requirement } from "./requirements.js";

export interface Diagnosis {
  requirement: Requirement;
  pass: number[];
  /** Ranks that say the same are together. */
  fail: { ranks: number[]; found: string }[];
}

const ANSWERS: Requirement = {
  id: "answer",
  what: "answers",
  how: "flux exec",
  fatal: true,
  mend: "flux resource status says which brokers are up; a node that hangs may have an engine or a file system that does",
};

export function diagnose(
  requirements: Requirement[],
  ranks: number[],
  answers: Answers,
): Diagnosis[] {
  const faults = new Map<number, string>();
  for (const rank of ranks) {
    const fault = unanswered(answers, rank);
    if (fault !== undefined) faults.set(rank, fault);
  }
  return [
    diagnosis(ANSWERS, ranks, (rank) => faults.get(rank)),
    ...requirements.map((requirement) => {
      const told = new Map(
        ranks.flatMap((rank) => {
          const said = answers.told.get(rank)?.get(requirement.id);
          return said ? [[rank, said] as const] : [];
        }),
      );
      const judge = judgeOf(requirement, told);
      return diagnosis(requirement, [...told.keys()], (rank) => {
        const said = told.get(rank);
        if (!said) return undefined;
        return said.ok ? judge(said.words) : said.words;
      });
    }),
  ];
}

/** No fatal one fails anywhere. */
export const isFit = (diagnoses: Diagnosis[]): boolean =>
  diagnoses.every(({ requirement, fail }) => !requirement.fatal || fail.length === 0);

function unanswered({ told, lost }: Answers, rank: number): string | undefined {
  const node = told.get(rank);
  if (!node) return lost.get(rank) ?? "it does not answer";
  if (node.has("end")) return undefined;
  return `it did not get further than ${[...node.keys()].at(-1) ?? "its beginning"}`;
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

function judgeOf({ id, judge, alike }: Requirement, told: Map<number, Told>) {
  if (id === "clock") return judgeClock(told);
  if (alike) return judgeAlike([...told.values()]);
  return judge ?? (() => undefined);
}

/** What most say is right. */
function judgeAlike(told: Told[]): (words: string) => string | undefined {
  const counts = new Map<string, number>();
  for (const { words } of told) counts.set(words, (counts.get(words) ?? 0) + 1);
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
  return (words) =>
    most === undefined || words === most[0]
      ? undefined
      : `it is ${words}, and ${most[0]} on ${most[1]} others`;
}

/** All begin at the same time, give or take what flux exec needs to reach them. */
function judgeClock(told: Map<number, Told>): (words: string) => string | undefined {
  const times = [...told.values()].map(({ words }) => Number(words)).toSorted((a, b) => a - b);
  const first = told.get(0)?.words;
  const right = first === undefined ? (times[times.length >> 1] ?? 0) : Number(first);
  return (words) => {
    const skew = (Number(words) - right) / 1000;
    if (Math.abs(skew) <= SKEW_S) return undefined;
    const than = first === undefined ? "the others" : "rank 0";
    return `${Math.abs(skew).toFixed(1)} s ${skew < 0 ? "behind" : "ahead of"} ${than}`;
  };
}
