/** Rootless engines for accounts that nobody logs in to, by the words of docs/admin/engines.md. */
import type { Test } from "tap";
import { admin } from "./documents.js";
import type { Site } from "./site.js";
import { buildNodeImage } from "./node-image.js";

export type EngineName = "podman";

/** Sets the engine of an account up on every machine, and gives it the tests' node image. */
export async function setUpEngine(
  t: Test,
  site: Site,
  user: string,
  engine: EngineName,
): Promise<void> {
  // The document's account is `flux`.
  const account = admin("engines", "The engine of an account").map((line) =>
    line
      .replace(/(id -u|passwd|enable-linger|--reuid|--regid) flux/g, `$1 ${user}`)
      .replace("USER=flux", `USER=${user}`),
  );
  await site.everywhere(t, `${engine} of ${user}`, account.join("\n"));
  await site.each(t, `${engine} info as ${user}`, (host) => host.session(user, `${engine} info`));
  await buildNodeImage(t, site, user, engine);
}
