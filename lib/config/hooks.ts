/** Checks usernetes.hooks: the programs of a site, each with its arguments. Pure. */
import { bytesOf, PATH_MAX } from "./bytes.js";
import type { Hooks } from "./template.js";

/** Bytes of a hook with all of its arguments: they travel as a part of one argument. */
const ALL_MAX = 4096;

export const PROGRAM =
  'a list of a program and its arguments, like ["/opt/site/up", "--fast"]; the program is an absolute path, a path in the template, or a name on the PATH';

/**
 * Returns the first fault, without the name of the table: `.before-up.0: found ..., allowed: ...`.
 */
export function hooksFault(hooks: Hooks): string | undefined {
  for (const [hook, argv] of Object.entries(hooks) as [keyof Hooks, readonly string[]][]) {
    const [program = ""] = argv;
    if (program === "" || program.startsWith("-") || /(^|\/)\.\.(\/|$)/.test(program))
      return `.${hook}.0: found ${JSON.stringify(program).slice(0, 80)}, allowed: ${PROGRAM}`;
    // eslint-disable-next-line no-control-regex
    const strange = argv.findIndex((argument) => /[\x00-\x1f\x7f]/.test(argument));
    if (strange >= 0)
      return `.${hook}.${strange}: found ${JSON.stringify(argv[strange]).slice(0, 80)}, allowed: text without control characters`;
    if (bytesOf(program) > PATH_MAX)
      return `.${hook}.0: found ${bytesOf(program)} bytes, allowed: ${PATH_MAX}`;
    const all = bytesOf(argv.join(" "));
    if (all > ALL_MAX) return `.${hook}: found ${all} bytes, allowed: ${ALL_MAX} in all`;
  }
  return undefined;
}
