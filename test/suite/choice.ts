/** Selects the test files of a run, and their order. */

export interface Choice {
  /** Whether to select the files that `npm test` omits, instead of the others. */
  long: boolean;
  /** The files and folders that a person names. Without any, all files are selected. */
  asked: string[];
  longFiles: string[];
  /** The files that belong to both runs, and check more cases in a long run. */
  both: string[];
}

/** Returns the selected files and the unknown names. A named file may also be a long one. */
export function chosen(all: string[], { long, asked, longFiles, both }: Choice) {
  const usual = all.filter((file) => both.includes(file) || longFiles.includes(file) === long);
  const matches = asked.map((name) => {
    const path = source(name);
    const inFolder = usual.filter((file) => file.startsWith(`${path}/`));
    return { name, files: all.includes(path) ? [path] : inFolder };
  });
  const unknown = matches.filter(({ files }) => files.length === 0).map(({ name }) => name);
  const files = asked.length === 0 ? usual : matches.flatMap((match) => match.files);
  return { files: inOrder([...new Set(files)]), unknown };
}

/** `./dist/test/life/job.test.js` and `test/life/job.test.ts` name the same file. */
const source = (name: string): string =>
  name
    .replace(/^\.\//, "")
    .replace(/^dist\//, "")
    .replace(/\.js$/, ".ts")
    .replace(/\/$/, "");

/** Folders with slow files are first, so that no core waits for one of them at the end. */
const FIRST = ["podman", "recovery", "life", "doctor", "step", "cli", "contract", "etc"];

function inOrder(files: string[]): string[] {
  const place = (file: string): number => {
    const at = FIRST.indexOf(file.split("/")[1] ?? "");
    return at < 0 ? FIRST.length : at;
  };
  return files.toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}
