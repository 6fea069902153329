/** Renders manual pages as a reader sees them, with the programs that are installed here. */
import { execa } from "execa";

/** The reason why a program is missing; false if it is installed. */
export async function missing(program: string): Promise<string | false> {
  const { failed } = await execa("sh", ["-c", 'command -v "$1"', "sh", program], { reject: false });
  return failed && `${program} is not installed`;
}

interface Rendered {
  /** Removes bold and underlined characters. */
  text: string;
  /** The warnings of man-db or groff. */
  warnings: string;
}

export async function man(file: string, columns: number, locale: string): Promise<Rendered> {
  const env = {
    MANWIDTH: String(columns),
    LC_ALL: locale,
    MANPAGER: "cat",
    MAN_KEEP_FORMATTING: "",
  };
  const { stdout, stderr } = await execa("man", ["--warnings", "-l", file], { env });
  return { text: stdout, warnings: stderr };
}

/** The text of a page without its roff, for machines without man. */
export function plain(roff: string): string {
  const lines = roff
    .split("\n")
    .filter((line) => !line.startsWith('.\\"'))
    .map((line) => (line.startsWith(".") ? line.replace(/^\.[A-Za-z]+ ?/, "") : line));
  const chars: Record<string, string> = {
    ...{ "\\e": "\\", "\\-": "-", "\\&": "", "\\(aq": "'", "\\(ga": "`" },
    ...{ "\\(ha": "^", "\\(ti": "~", "\\(Fn": "ƒ", "\\(dq": '"' },
  };
  return lines
    .join("\n")
    .replace(/\\f[BIR]/g, "")
    .replace(/\\\(..|\\./g, (it) => chars[it] ?? it);
}
