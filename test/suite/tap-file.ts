/**
 * Reads the results of one test file from its TAP output:
 * https://testanything.org/tap-version-14-specification.html
 */

export interface TapReport {
  passed: number;
  failed: number;
  /** The reason of each test that was skipped. */
  skipped: string[];
  /** The lines of each failed assertion, its diagnosis, and the tests that contain it. */
  failures: string[];
  /** The seconds of the processor that the file used (processor-time.ts); 0 if it was killed. */
  processorS: number;
}

const MOST = { failures: 40, lines: 40 };

/** The counts come from the totals at the file's end. A file without totals has failed. */
export function readTap(text: string): TapReport {
  const lines = text.split("\n");
  const totals = [...text.matchAll(/^# \{ (total: .*) \}$/gm)].at(-1)?.[1];
  const count = (name: string): number =>
    Number(new RegExp(`\\b${name}: (\\d+)`).exec(totals ?? "")?.[1] ?? 0);
  return {
    passed: count("pass"),
    failed: totals === undefined ? 1 : count("fail"),
    skipped: lines.flatMap((line) => /^ *ok [0-9]+\b.* # SKIP ?(.*)$/.exec(line)?.[1] ?? []),
    failures: [
      ...failures(lines),
      ...(totals === undefined ? ["the file ended before its last test did"] : []),
    ],
    processorS: Number(/^# processor time: ([0-9.]+) s$/m.exec(text)?.[1] ?? 0),
  };
}

/** Returns the lines of the failures, each assertion before the tests that contain it. */
function failures(lines: string[]): string[] {
  const starts = [...lines.keys()].filter((at) => /^ *not ok /.test(lines[at] ?? ""));
  const shown = starts
    .slice(0, MOST.failures)
    .flatMap((at) => [lines[at] ?? "", ...diagnosis(lines, at)]);
  const rest = starts.length - MOST.failures;
  return rest > 0 ? [...shown, `... and ${rest} more`] : shown;
}

/** Returns the YAML block below a line. */
function diagnosis(lines: string[], at: number): string[] {
  const indent = `${/^ */.exec(lines[at] ?? "")?.[0] ?? ""}  `;
  if (lines[at + 1] !== `${indent}---`) return [];
  const end = lines.indexOf(`${indent}...`, at);
  return lines.slice(at + 1, end < 0 ? undefined : end).slice(0, MOST.lines);
}
