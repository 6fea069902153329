/** Which test files a run takes, and in which order. */

export interface Choice {
  /** Those that `npm test` leaves out, instead of the others. */
  long: boolean;
  /** Files and folders, as a person names them; none: all. */
  asked: string[];
  longFiles: string[];
  /** Those that take more cases in a long run. */
  both: string[];
}

/** Files that are asked for by name are taken whether they are long or not. */
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

/** Folders whose files take long go first, so that no core waits at the end for one of them. */
const FIRST = ["podman", "recovery", "life", "doctor", "step", "cli", "contract", "etc"];

function inOrder(files: string[]): string[] {
  const place = (file: string): number => {
    const at = FIRST.indexOf(file.split("/")[1] ?? "");
    return at < 0 ? FIRST.length : at;
  };
  return files.toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}
