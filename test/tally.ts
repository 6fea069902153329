/** Prints one plain line of what a TAP file says in its end: `N passed, N failed, N skipped`. */
import { readFileSync } from "node:fs";

const file = process.argv[2] ?? ".tap/output.tap";
const text = readFileSync(file, "utf8");
const totals = [...text.matchAll(/^# \{ (total: .*) \}$/gm)].at(-1)?.[1];
const count = (word: string): number =>
  Number(new RegExp(`\\b${word}: (\\d+)`).exec(totals ?? "")?.[1] ?? 0);

const failed = count("fail");
process.stdout.write(`${count("pass")} passed, ${failed} failed, ${count("skip")} skipped\n`);
process.exitCode = totals === undefined || failed > 0 || count("pass") === 0 ? 1 : 0;
