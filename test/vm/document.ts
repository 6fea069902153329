/** Reads the commands of a document's section, so that the test runs the document itself. */

/**
 * Returns the commands in the section under a heading, which ends at the next heading of any level.
 * The commands are lines of indented blocks. A block with lines that start with `$ ` shows output,
 * too, so that only those lines are commands. In other blocks every line is a command, and a line
 * that ends with a backslash continues on the next line. Throws if there is no such section or if
 * the section has no command.
 */
export function commandsOf(document: string, heading: string): string[] {
  const lines = document.split("\n");
  const start = lines.findIndex(
    (line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === heading,
  );
  if (start < 0) throw new Error(`the document has no section "${heading}"`);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^#+ /.test(line));
  const commands = blocksOf(end < 0 ? rest : rest.slice(0, end)).flatMap((block) => {
    const prompted = block.filter((line) => line.startsWith("$ "));
    return prompted.length > 0 ? prompted.map((line) => line.slice(2)) : joined(block);
  });
  if (commands.length === 0) throw new Error(`section "${heading}" has no commands`);
  return commands;
}

function blocksOf(lines: string[]): string[][] {
  const blocks: string[][] = [];
  let inside = false;
  for (const line of lines) {
    const text = /^ {4,}(\S.*)$/.exec(line)?.[1];
    if (text === undefined) inside = false;
    else if (inside) blocks.at(-1)?.push(text);
    else {
      blocks.push([text]);
      inside = true;
    }
  }
  return blocks;
}

const joined = (block: string[]): string[] =>
  block.reduce<string[]>((commands, line) => {
    const last = commands.at(-1);
    if (last?.endsWith("\\") === true)
      commands[commands.length - 1] = `${last.slice(0, -1)}${line}`;
    else commands.push(line);
    return commands;
  }, []);
