/**
 * A python3 that keeps compiled agents (agent-python/run_cached.py). The agents are the text that
 * the daemon sends, under their own arguments; they only start in two thirds of the time.
 */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE } from "./paths.js";

const PROGRAM = "run_cached.py";

/** Makes the program in a directory, which all users may read, and returns its path. */
export function makeAgentPython(directory: string): string {
  const program = join(directory, "python3");
  const python = process.env["SANDBOX_PYTHON"] ?? "/usr/bin/python3";
  if (existsSync(program) || !existsSync(python)) return program;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  copyFileSync(join(PACKAGE, "test/sandbox/agent-python", PROGRAM), join(directory, PROGRAM));
  const text = `#!/bin/sh
case "\${1:-} \${2:-} \${3:-}" in
  "-I -S -c") exec ${python} -I -S "\${0%/*}/${PROGRAM}" "$@" ;;
esac
exec ${python} "$@"
`;
  writeFileSync(program, text, { mode: 0o755 });
  return program;
}
