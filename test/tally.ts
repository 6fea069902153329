/**
 * What a TAP file says in its end, for who sees only the last lines of a long run: each
 * failure with its diagnosis, the files that took longest, and one plain line,
 * `N passed, N failed, N skipped`.
 */
import { readFileSync } from "node:fs";

const MOST = { failures: 40, lines: 40, files: 10 };

/** Lines of failures, from the innermost to the file that they are in. */
function failures(lines: string[]): string[] {
  const starts = [...lines.keys()].filter((at) => /^ *not ok /.test(lines[at] ?? ""));
  const shown = starts
    .slice(0, MOST.failures)
    .flatMap((at) => [lines[at] ?? "", ...diagnosis(lines, at)]);
  const rest = starts.length - MOST.failures;
  return rest > 0 ? [...shown, `... and ${rest} more`] : shown;
}

/** The YAML block of a line, as TAP 14 has it. */
function diagnosis(lines: string[], at: number): string[] {
  const indent = `${/^ */.exec(lines[at] ?? "")?.[0] ?? ""}  `;
  if (lines[at + 1] !== `${indent}---`) return [];
  const end = lines.indexOf(`${indent}...`, at);
  return lines.slice(at + 1, end < 0 ? undefined : end).slice(0, MOST.lines);
}

/** `34.2 s NAME`, the slowest first. */
function slowest(lines: string[]): string[] {
  const files = lines.flatMap((line) => {
    const [, name, ms] = /^(?:not )?ok [0-9]+ - (.*?) # time=([0-9.]+)ms/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, seconds: Number(ms) / 1000 }];
  });
  return files
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, MOST.files)
    .map(({ name, seconds }) => `${seconds.toFixed(1).padStart(6)} s ${name}`);
}

const text = readFileSync(process.argv[2] ?? ".tap/output.tap", "utf8");
const lines = text.split("\n");
const totals = [...text.matchAll(/^# \{ (total: .*) \}$/gm)].at(-1)?.[1];
const count = (word: string): number =>
  Number(new RegExp(`\\b${word}: (\\d+)`).exec(totals ?? "")?.[1] ?? 0);

const failed = count("fail");
const plain = `${count("pass")} passed, ${failed} failed, ${count("skip")} skipped`;
const told = ["The slowest files:", ...slowest(lines), ...failures(lines), plain];
process.stdout.write(told.map((line) => `${line}\n`).join(""));
process.exitCode = totals === undefined || failed > 0 || count("pass") === 0 ? 1 : 0;
