/** Finds the resources that clusters have left behind. */
import type { EngineName } from "./accounts.js";
import type { Site } from "./site.js";

/** Resources of no cluster: images of the tests and of `warm`, and directories of the tests. */
const KEPT = /usernetes[_-](warm|test)|^\S+ directory \/tmp\/usernetes-(pack|podman)/;

/**
 * Returns a line for each container, network, volume and image of a user's engine, for each work
 * directory, and for each cluster that is open in the KVS.
 */
export async function leftovers(site: Site, user: string, engine: EngineName): Promise<string[]> {
  const lists = {
    container: `${engine} ps -a --format '{{.Names}}'`,
    network: `${engine} network ls --format '{{.Name}}'`,
    volume: `${engine} volume ls --format '{{.Name}}'`,
    image: `${engine} image ls --format '{{.Repository}}'`,
    directory: "ls -d /tmp/usernetes-*/ 2>/dev/null",
  };
  const script = Object.entries(lists).map(([kind, list]) => `${list} | sed 's/^/${kind} /'`);
  const found = site.hosts.map(async (host) => {
    const { stdout, stderr, exitCode } = await host.session(user, script.join("; "));
    if (exitCode !== 0) throw new Error(`${host.name}: ${stderr}`);
    return stdout.split("\n").map((line) => `${host.name} ${line}`);
  });
  const { stdout } = await site.owner("flux kvs dir usernetes.cluster 2>/dev/null; true");
  const entries = stdout.split("\n").map((line) => `entry ${line}`);
  return [...(await Promise.all(found)).flat(), ...entries].filter(
    (line) => line.includes("usernetes") && !KEPT.test(line),
  );
}
