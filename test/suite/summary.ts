/** Formats the reports of a test run, while it runs and at its end. */
import type { TapReport } from "./tap-file.js";

export interface PlayedFile extends TapReport {
  /** The path of the source, relative to the package. */
  file: string;
  seconds: number;
}

export interface Mode {
  /** The arguments of `npm`: `test` or `run test:long`. */
  script: string;
  seed: number;
}

const SLOWEST = 10;
/** The folders that are listed with their times; the others are one line. */
const FOLDERS = 8;

export function hasFailed({ passed, failed, skipped }: PlayedFile): boolean {
  return failed > 0 || passed + skipped.length === 0;
}

/** Returns a line such as `  3.2 s  test/life/once.test.ts  (1 skipped)`. */
export function progressLine(played: PlayedFile): string {
  const { file, failed, skipped } = played;
  const notes = [
    ...(failed > 0 ? [`${failed} failed`] : hasFailed(played) ? ["it ran no test"] : []),
    ...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
  ];
  return `${time(played)}  ${file}${notes.length > 0 ? `  (${notes.join(", ")})` : ""}`;
}

/**
 * Returns the reasons of skipped tests, the slowest files, the times by folder, each failure, and
 * the last line `N passed, N failed, N skipped`.
 */
export function summary(files: PlayedFile[], mode: Mode): string[] {
  const bad = files.filter(hasFailed);
  const empty = bad.filter(({ failed }) => failed === 0).length;
  const skipped = sum(files, (file) => file.skipped.length);
  return [
    ...(skipped > 0 ? ["", "Skipped:", ...reasons(files)] : []),
    ...["", "The slowest files:", ...slowest(files)],
    ...["", "Seconds by folder:", ...byFolder(files)],
    ...bad.flatMap((file) => failureOf(file, mode)),
    "",
    `${sum(files, ({ passed }) => passed)} passed, ${sum(files, ({ failed }) => failed) + empty} failed, ${skipped} skipped`,
  ];
}

/** Returns one line for each reason, the most frequent reason first. */
function reasons(files: PlayedFile[]): string[] {
  const counts = new Map<string, number>();
  for (const reason of files.flatMap(({ skipped }) => skipped))
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, times]) => `${String(times).padStart(6)}  ${reason || "(no reason given)"}`);
}

const slowest = (files: PlayedFile[]): string[] =>
  files
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, SLOWEST)
    .map((played) => `${time(played)}  ${played.file}`);

/** Returns a line for each folder, those that used the processor longest first, and for all. */
function byFolder(files: PlayedFile[]): string[] {
  const folders = new Map<string, PlayedFile[]>();
  for (const played of files) {
    const folder = played.file.split("/")[1] ?? "";
    folders.set(folder, [...(folders.get(folder) ?? []), played]);
  }
  const sorted = [...folders].sort(([, a], [, b]) => processorS(b) - processorS(a));
  const others = sorted.slice(FOLDERS).flatMap(([, played]) => played);
  const rows: [string, PlayedFile[]][] = [
    ...sorted.slice(0, FOLDERS),
    ...(others.length > 0 ? [["others", others] as [string, PlayedFile[]]] : []),
    ["all", files],
  ];
  return [
    "processor    wall  files  folder",
    ...rows.map(([folder, played]) =>
      [
        processorS(played).toFixed(1).padStart(9),
        sum(played, ({ seconds }) => seconds)
          .toFixed(1)
          .padStart(6),
        `${played.length}`.padStart(5),
        folder,
      ].join("  "),
    ),
  ];
}

const processorS = (files: PlayedFile[]): number => sum(files, (file) => file.processorS);

const sum = (files: PlayedFile[], of: (file: PlayedFile) => number): number =>
  files.reduce((total, file) => total + of(file), 0);

function failureOf(played: PlayedFile, { script, seed }: Mode): string[] {
  const { file, failures } = played;
  const lines = failures.length > 0 ? failures : ["it ran no test"];
  return ["", `Failed: ${file}`, ...lines, `Again: npm ${script} -- --seed ${seed} ${file}`];
}

const time = ({ seconds }: PlayedFile): string => `${seconds.toFixed(1).padStart(6)} s`;
