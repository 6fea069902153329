/** What doctor finds on the machines as they are. */
import type { Test } from "tap";
import type { Site } from "./site.js";

/**
 * Runs it, and fails the test if a requirement is not met that the machines could meet. Its stdout.
 */
export async function expectFit(t: Test, site: Site, command: string): Promise<string> {
  const { stdout, stderr, exitCode } = await site.owner(command);
  const failing = [...stdout.matchAll(/^FAIL +(.+?)( {2}.*)?$/gm)].map(([, what]) => what);
  t.strictSame(failing, site.lead.machine.unmet, stdout + stderr);
  t.equal(exitCode, failing.length === 0 ? 0 : 1);
  return stdout;
}
