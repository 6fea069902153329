/**
 * Formats the output of an install: one line for each file, and the next steps of the
 * administrator.
 */
import { join } from "node:path";
import { CONFIGURATION, type Roots } from "./items.js";
import type { Change } from "./plan.js";
import type { Removal } from "./uninstall.js";

export function changeLine({ what, target, why, beside }: Change): string {
  const more = beside ? `; the new version is ${target}.new` : "";
  return line(what, target, why + more);
}

export const removalLine = ({ what, path, why }: Removal): string => line(what, path, why);

function line(what: string, path: string, why: string): string {
  return `${what.padEnd(8)} ${path}${why && ` (${why})`}\n`;
}

/** Returns the instructions for the administrator. `path` is the environment's PATH. */
export function nextSteps(roots: Roots, path: string | undefined): string {
  const flux = roots["flux-root"];
  const bin = join(roots.prefix, "bin");
  const found = (path ?? "").split(":").includes(bin);
  return `
Next, on rank 0 (see docs/admin/install.md):
${found ? "" : `  - ${bin} is not on this PATH. Add it to the PATH of the brokers and users, so that\n    flux finds \`flux usernetes\` (or to FLUX_EXEC_PATH).\n`}\
  - In ${join(flux, CONFIGURATION)}, table [usernetes], set template.
    Add the other tables if hold = "perilog" (see the file). Then: flux config reload
  - Start the daemon. A system instance:
      systemctl daemon-reload && systemctl enable --now flux-usernetes
    Any other: ${join(flux, "rc1.d/90-usernetes")} starts it with the instance.
  - ${join(flux, "cli/plugins/usernetes.py")} adds the option --usernetes,
    and refuses bad attributes at submission. A site that sets ingest.validator.plugins
    without "jobspec" adds "${join(flux, "ingest/validators/usernetes.py")}".
  - Install the same files on every other node; Node.js is not needed there.
  - Run flux usernetes doctor: it reports what else is missing, and where.
  - Run flux usernetes warm: the nodes build their image before the first job.
`;
}
