/** Reads a daemon's metrics as Prometheus does, and finds free ports for them. */
import { createServer, type AddressInfo, type Server } from "node:net";

/** The values by name and labels, such as `usernetes_holds_total{when="late"}`. */
export type Scraped = Map<string, number>;

export async function scrape(port: number, host = "127.0.0.1"): Promise<Scraped> {
  const response = await fetch(`http://${host}:${port}/metrics`);
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  return parse(await response.text());
}

function parse(text: string): Scraped {
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    samples.map((line) => {
      const end = line.lastIndexOf(" ");
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

/** Returns the sum of a metric's values that have all these labels. */
export function sum(scraped: Scraped, name: string, ...labels: string[]): number {
  const own = [...scraped].filter(
    ([key]) => key.replace(/\{.*/, "") === name && labels.every((label) => key.includes(label)),
  );
  return own.reduce((total, [, value]) => total + value, 0);
}

/** Starts a listener on a free port, and returns the port and the listener. */
export async function taken(): Promise<{ port: number; server: Server }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, server };
}

export async function freePort(): Promise<number> {
  const { port, server } = await taken();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
