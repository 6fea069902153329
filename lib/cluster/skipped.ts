/** Finds the steps that a cluster skips, by the options of its template. Pure. */
import type { TemplateOptions } from "../config/template.js";
import { rowOf, STEPS, type Hook, type Step } from "./steps.js";

export function skippedSteps({ make, hooks, images }: TemplateOptions): ReadonlySet<Step> {
  const isConfigured = (step: Step): boolean => {
    const { needs } = rowOf(step);
    if (step === "install-flannel") return make.network !== "";
    if (needs === "hook") return (hooks[step as Hook]?.length ?? 0) > 0;
    return needs === undefined || images !== undefined;
  };
  return new Set(STEPS.filter((step) => !isConfigured(step)));
}
