/** Checks what doctor finds on machines without a fault. */
import type { Test } from "tap";
import type { Site } from "./site.js";

/**
 * Runs doctor and returns its stdout. The test fails unless exactly those requirements are not met
 * that this kind of machine cannot meet.
 */
export async function expectFit(t: Test, site: Site, command: string): Promise<string> {
  const { stdout, stderr, exitCode } = await site.owner(command);
  const failing = [...stdout.matchAll(/^FAIL +(.+?)( {2}.*)?$/gm)].map(([, what]) => what);
  t.strictSame(failing, site.lead.machine.unmet, stdout + stderr);
  t.equal(exitCode, failing.length === 0 ? 0 : 1);
  return stdout;
}
