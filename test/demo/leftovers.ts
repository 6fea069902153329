/** Asks each node's engine and the instance for leftovers of clusters, and prints them. */
import type { LifeFlux } from "../life/flux.js";

const ASK: [string, string[]][] = [
  ["containers", ["docker", "ps", "-a"]],
  ["networks", ["docker", "network", "ls"]],
  ["volumes", ["docker", "volume", "ls"]],
  ["images", ["docker", "image", "ls"]],
];

/** Prints the leftovers of each host and of Flux, and returns their number. */
export async function listLeftovers(
  flux: LifeFlux,
  hosts: string[],
  say: (text: string) => void,
): Promise<number> {
  let total = 0;
  const count = (text: string): number => {
    const lines = text.split("\n").filter((line) => line !== "").length;
    total += lines;
    return lines;
  };
  say("");
  say("Leftovers:");
  for (const [rank, host] of hosts.entries()) {
    const on = (argv: string[]) => flux.output("flux", "exec", "-r", String(rank), ...argv);
    const found: string[] = [];
    for (const [what, argv] of ASK) found.push(`${count(await on(argv))} ${what}`);
    found.push(`${count(await on(["ls", "-A", flux.place.base]))} work directories`);
    say(`  ${host}  ${found.join(", ")}`);
  }
  const keys = async (directory: string) =>
    count((await flux.flux("kvs", "ls", "-1", directory)).stdout);
  say(
    `  Flux   ${await keys("archive")} archives, ${await keys("usernetes.cluster")} open clusters`,
  );
  return total;
}
