/**
 * The rows of a phase as bars to draw, in the order in which the steps started. A step with many
 * rows is reduced to a few bars, such as its fastest, median and slowest row, so that the number of
 * bars stays small however many ranks there are. Pure.
 */
import { STEPS } from "../../cluster/steps.js";
import type { Row } from "./rows.js";
import type { Phase } from "./timeline.js";

export interface Bar {
  /** The text of the first column: the step, or which part of the step the bar shows. */
  label: string;
  /** The bar shows a part of the step; the step's first bar is above it. */
  isPart: boolean;
  /**
   * The bar stands for all rows of the step, from the first start to the last end. Bars of single
   * rows follow.
   */
  isWhole: boolean;
  rows: Row[];
  ranks: number[];
  begin: number;
  end: number;
  /** `end - begin`. A bar of many rows may be longer than each of them. */
  seconds: number;
  status: Row["status"];
  attempt: number;
  isOnChain: boolean;
  /** The step is on the chain. Valid only for the first bar of a step. */
  isStepOnChain: boolean;
}

/** The most rows of a step that are all drawn. */
const MOST = 4;
/**
 * How many of the slowest rows, and of the rows that are not ok, are drawn of a step with more
 * rows.
 */
const NAMED = 3;

export function barsOf({ rows, chain }: Phase): Bar[] {
  const onChain = new Set(chain.map(({ row }) => row));
  const steps = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.round} ${row.step}`;
    steps.set(key, [...(steps.get(key) ?? []), row]);
  }
  const ordered = [...steps.values()]
    .map((stepRows) => stepRows.sort(byTime))
    .sort(([a], [b]) => order(a, b));
  return ordered.flatMap((stepRows) =>
    stepRows.length > MOST ? folded(stepRows, onChain) : each(stepRows, onChain),
  );
}

function byTime(a: Row, b: Row): number {
  return a.attempt - b.attempt || a.begin - b.begin || (a.ranks[0] ?? 0) - (b.ranks[0] ?? 0);
}

function order(a: Row | undefined, b: Row | undefined): number {
  if (!a || !b) return 0;
  return a.round - b.round || a.begin - b.begin || STEPS.indexOf(a.step) - STEPS.indexOf(b.step);
}

function each(rows: Row[], onChain: Set<Row>): Bar[] {
  const isStepOnChain = rows.some((row) => onChain.has(row));
  return rows.map((row, index) => {
    const again = row.attempt > 1 && row.attempt !== rows[index - 1]?.attempt;
    const label = index === 0 ? row.step : again ? `try ${row.attempt}` : "";
    return { ...barOf(row, label, onChain), isPart: index > 0, isStepOnChain };
  });
}

function barOf(row: Row, label: string, chain: Set<Row>): Bar {
  const { begin, end, status, attempt } = row;
  const isOnChain = chain.has(row);
  return {
    ...{ label, isPart: true, isWhole: false, rows: [row] },
    ranks: row.ranks.toSorted((a, b) => a - b),
    ...{ begin, end, seconds: end - begin, status, attempt },
    ...{ isOnChain, isStepOnChain: isOnChain },
  };
}

function folded(rows: Row[], onChain: Set<Row>): Bar[] {
  const named = new Map<Row, string>();
  const name = (row: Row | undefined, label: string): void => {
    if (row && !named.has(row)) named.set(row, label);
  };
  const ok = rows.filter(({ status }) => status === "ok").sort((a, b) => length(a) - length(b));
  for (const row of ok.slice(-NAMED)) name(row, "slowest");
  name(ok[0], "fastest");
  name(median(ok), "median");
  const others = rows.filter(({ status }) => status !== "ok").sort((a, b) => length(b) - length(a));
  for (const row of others.slice(0, NAMED)) name(row, row.status);
  const chained = rows.filter((row) => onChain.has(row));
  // If joins wait for each other, the chain has many of them.
  if (chained.length <= NAMED) for (const row of chained) name(row, "on the chain");
  const bars = [...named]
    .sort(([a], [b]) => length(a) - length(b))
    .map(([row, word]) =>
      barOf(row, row.attempt > 1 ? `${word}, try ${row.attempt}` : word, onChain),
    );
  return [summaryBar(rows, onChain), ...bars];
}

/** The bar of all rows of a step, from the first start to the last end. */
function summaryBar(rows: Row[], onChain: Set<Row>): Bar {
  const ranks = [...new Set(rows.flatMap((row) => row.ranks))].sort((a, b) => a - b);
  const begin = rows.reduce((least, row) => Math.min(least, row.begin), Infinity);
  const end = rows.reduce((most, row) => Math.max(most, row.end), -Infinity);
  const isOnChain = rows.some((row) => onChain.has(row));
  const running = rows.some(({ status }) => status === "running");
  return {
    ...{ label: rows[0]?.step ?? "", isPart: false, isWhole: true, rows, ranks },
    ...{ begin, end, seconds: end - begin, status: running ? "running" : "ok", attempt: 1 },
    ...{ isOnChain, isStepOnChain: isOnChain },
  };
}

const length = ({ begin, end }: Row) => end - begin;

/** The row of the median rank: a row may have many ranks. */
function median(sorted: Row[]): Row | undefined {
  const all = sorted.reduce((sum, { ranks }) => sum + ranks.length, 0);
  let passed = 0;
  return sorted.find(({ ranks }) => (passed += ranks.length) >= all / 2);
}
