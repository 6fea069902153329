/**
 * The screens in the documents: a block with `$ COMMAND` and its output. A screen is compared with
 * a run by the shapes of its lines: job IDs, numbers, hosts, bars and white space may differ. A
 * line `...` matches any lines.
 */
import { codeBlocks } from "./documents.js";

export interface Screen {
  file: string;
  /** The command as a person types it. Lines that end with a backslash are joined. */
  command: string;
  /** The lines of the output. */
  output: string[];
}

/** All screens of a document, in order; a block may have several. */
export function screensIn(file: string, text: string): Screen[] {
  const found: Screen[] = [];
  for (const block of codeBlocks(text)) {
    const lines = block.replace(/ *\\\n\s*/g, " ").split("\n");
    let last: Screen | undefined;
    for (const line of lines) {
      const command = /^\s*\$ (.*)$/.exec(line)?.[1];
      if (command !== undefined) found.push((last = { file, command, output: [] }));
      else if (line.trim() !== "") last?.output.push(line);
    }
  }
  return found;
}

/** The parts of a line that are the same in every run. */
export function shape(line: string): string {
  return line
    .replace(/\[node\]\S*|\bnode(\d+|\[[\d,-]+\])/g, "NODES")
    .replace(/ƒ\w+/g, "JOB")
    .replace(/TIME +0s.*/, "TIME")
    .replace(/\[Makefile:.*?\]/g, "[Makefile]")
    .replace(/[█▏▎▍▌▋▊▉▒▓✗▶]+/g, "BAR")
    .replace(/(?<=sha256:)[0-9a-f]{64}|\b[0-9a-f]{12}\b/g, "HASH")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/\d[\d.,:-]*/g, "N")
    .replace(/^\s*\*?\s*|\s+$/g, "")
    .replace(/\s+/g, " ");
}

const isGap = (line: string): boolean => line.trim() === "...";

/** The lines that only the document or only the run has. */
export function differences(
  screen: Screen,
  actual: string,
): { onlyInDocument: string[]; onlyInRun: string[] } {
  const shown = screen.output.filter((line) => !isGap(line));
  const printed = actual.split("\n").filter((line) => line.trim() !== "");
  const shapesOf = (lines: string[]) => new Set(lines.map(shape));
  const [inDocument, inRun] = [shapesOf(shown), shapesOf(printed)];
  return {
    onlyInDocument: shown.filter((line) => !inRun.has(shape(line))),
    onlyInRun: screen.output.some(isGap)
      ? []
      : printed.filter((line) => !inDocument.has(shape(line))),
  };
}
