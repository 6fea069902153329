/** Which steps a cluster does not take, by the options that go with its template. Pure. */
import type { TemplateOptions } from "../config/template.js";
import type { Step } from "./steps.js";

export function skippedSteps({ make }: TemplateOptions): ReadonlySet<Step> {
  const skipped = new Set<Step>();
  if (make.network === "") skipped.add("install-flannel");
  return skipped;
}
