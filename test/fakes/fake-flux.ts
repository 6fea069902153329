/**
 * Installs a test's sh script as the `flux` command in a directory on the PATH. The script may keep
 * notes in the directory $NOTES.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export class FakeFlux {
  readonly env: Record<string, string>;

  constructor(
    private readonly directory: string,
    script: string,
  ) {
    this.env = { PATH: `${directory}:/usr/bin:/bin`, NOTES: directory };
    this.program("flux", script);
  }

  program(name: string, script: string): void {
    writeFileSync(join(this.directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /** Writes the file $NOTES/NAME for the script. */
  note(name: string, text: string): void {
    writeFileSync(join(this.directory, name), text);
  }

  /** Returns the lines that the script has written to $NOTES/NAME. */
  noted(name: string): string[] {
    try {
      return readFileSync(join(this.directory, name), "utf8").split("\n").slice(0, -1);
    } catch {
      return [];
    }
  }
}

/** Waits until the condition is met. Throws after five seconds. */
export async function eventually(is: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (is()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`it never came to ${is.toString()}`);
}
