/**
 * Serves GET /metrics only. Everybody who can connect to the address can read the metrics. The
 * address is a loopback address unless the administrator sets another one. Slow clients and too
 * many clients are disconnected.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Listen } from "../../lib/config/listen.js";

export interface MetricsServer {
  close(): void;
}

const TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Starts the server. Rejects if it cannot listen on the address. */
export async function serveMetrics(
  { host, port }: Listen,
  text: () => Promise<string>,
): Promise<MetricsServer> {
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000, maxHeaderSize: 8192 },
    (request, response) => void answer(request, response, text),
  );
  server.maxConnections = 16;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, resolve);
  });
  // A connection that fails does not affect the daemon.
  server.on("error", () => undefined);
  return {
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  { method, url = "" }: IncomingMessage,
  response: ServerResponse,
  text: () => Promise<string>,
): Promise<void> {
  if (url.split("?")[0] !== "/metrics") end(response, 404, "only /metrics is here\n");
  else if (method !== "GET") end(response.setHeader("Allow", "GET"), 405, "only GET\n");
  else
    await text().then(
      (metrics) => {
        end(response.setHeader("Content-Type", TYPE), 200, metrics);
      },
      () => {
        end(response, 500, "");
      },
    );
}

function end(response: ServerResponse, status: number, body: string): void {
  response.statusCode = status;
  response.end(body);
}
