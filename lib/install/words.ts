/** The output of an install: one line per file, and the next steps of the administrator. */
import { join } from "node:path";
import { CONFIGURATION, type Roots } from "./items.js";
import type { Change } from "./plan.js";
import type { Removal } from "./uninstall.js";

export function tellChange({ what, target, why, beside }: Change): string {
  const more = beside ? `; the new version is ${target}.new` : "";
  return line(what, target, why + more);
}

export const tellRemoval = ({ what, path, why }: Removal): string => line(what, path, why);

function line(what: string, path: string, why: string): string {
  return `${what.padEnd(8)} ${path}${why && ` (${why})`}\n`;
}

/** `path`: of the environment. */
export function nextSteps(roots: Roots, path: string | undefined): string {
  const flux = roots["flux-root"];
  const bin = join(roots.prefix, "bin");
  const found = (path ?? "").split(":").includes(bin);
  return `
Next, on rank 0 (see docs/admin/install.md):
${found ? "" : `  - ${bin} is not on this PATH: put it on that of the brokers and users,\n    where flux finds \`flux usernetes\` (or in FLUX_EXEC_PATH).\n`}\
  - In ${join(flux, CONFIGURATION)}, table [usernetes], set template.
    Where hold is to be "perilog", see there. Then: flux config reload
  - Start the daemon. A system instance:
      systemctl daemon-reload && systemctl enable --now flux-usernetes
    Any other: ${join(flux, "rc1.d/90-usernetes")} starts it with the instance.
  - --usernetes and its refusals at submission are on with
    ${join(flux, "cli/plugins/usernetes.py")}; a site with
    ingest.validator.plugins of its own, without "jobspec", adds
    "${join(flux, "ingest/validators/usernetes.py")}" to it.
  - Every other node needs the same files, and no Node.js.
  - flux usernetes doctor reports what else is missing, and where.
  - flux usernetes warm has the nodes build their image ahead of the jobs.
`;
}
