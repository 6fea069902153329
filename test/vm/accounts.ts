/**
 * Sets up rootless engines for accounts that nobody logs in to, with the commands of
 * docs/admin/engines.md.
 */
import type { Test } from "tap";
import { admin } from "./documents.js";
import type { Site } from "./site.js";
import { buildNodeImage } from "./node-image.js";

export type EngineName = "docker" | "podman";

/** Configures clusters that run as the instance owner, on this engine. */
export async function useEngine(t: Test, site: Site, engine: EngineName): Promise<void> {
  await setUpEngine(t, site, "flux", engine);
  await site.configure(t, {
    "container-engine": `"${engine}"`,
    engines: `["${engine}"]`,
    "run-as": '"owner"',
  });
}

/**
 * Sets up an account's engine on every machine and builds the tests' node image in it, unless an
 * earlier life has done so.
 */
export async function setUpEngine(
  t: Test,
  site: Site,
  user: string,
  engine: EngineName,
): Promise<void> {
  const there = `${engine} image inspect localhost/usernetes-test-node`;
  const have = await Promise.all(site.hosts.map((host) => host.session(user, there)));
  if (have.every(({ exitCode }) => exitCode === 0)) return;
  // The document names the account `flux`. This account replaces it.
  const account = admin("engines", "The engine of an account").map((line) =>
    line
      .replace(/(id -u|passwd|enable-linger|--reuid|--regid) flux/g, `$1 ${user}`)
      .replace("USER=flux", `USER=${user}`),
  );
  const further = engine === "docker" ? admin("engines", "docker, for an account") : [];
  const script = [...account, ...further].join("\n");
  await site.everywhere(t, `${engine} of ${user}`, script);
  await site.each(t, `${engine} info as ${user}`, (host) => host.session(user, `${engine} info`));
  await buildNodeImage(t, site, user, engine);
}
