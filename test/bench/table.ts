/** Formats the results of `npm run bench` as a table and as JSON. */
import Table from "cli-table3";
import { isMet, spread, type Row } from "./measure.js";

/** Rounds to three significant digits, and at most to thousandths. */
export const number = (value: number): string =>
  Number.isInteger(value) || Math.abs(value) >= 100
    ? value.toFixed(0)
    : value.toFixed(Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);

export function table(rows: Row[]): string {
  const head = ["", "median", "low - high", "n", "target", "", "against"];
  const chars = { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" };
  const shown = new Table({ head, chars, style: { head: [], border: [], compact: true } });
  for (const row of rows) {
    const { median, low, high } = spread(row.values);
    shown.push([
      row.name,
      `${number(median)} ${row.unit}`.trim(),
      `${number(low)} - ${number(high)}`,
      row.values.length,
      aim(row),
      { true: "met", false: "MISSED", undefined: "" }[String(isMet(row))] ?? "",
      row.against,
    ]);
  }
  return shown.toString();
}

function aim({ target }: Row): string {
  if (!target) return "";
  return "most" in target ? `<= ${number(target.most)}` : `>= ${number(target.least)}`;
}

export interface Setting {
  flux: string;
  node: string;
  cores: number;
  commit: string;
  date: string;
}

export const json = (rows: Row[], setting: Setting): string =>
  JSON.stringify(
    { setting, rows: rows.map((row) => ({ ...row, ...spread(row.values), met: isMet(row) })) },
    null,
    2,
  );
