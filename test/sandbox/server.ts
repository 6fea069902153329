/**
 * The instance's side of the socket. One connection is one call of the flux command. Only this file
 * translates text between the paths of the caller's host and those of the instance.
 */
import { createServer, type Server, type Socket } from "node:net";
import { writeFileSync } from "node:fs";
import type { Call } from "./call.js";
import { Refusal } from "./refusal.js";
import { findCommand } from "./commands.js";
import { FluxError } from "./flux-error.js";
import { refuseGuest, userOf } from "./guests.js";
import { Handle } from "./handle.js";
import { LineTranslator } from "./host.js";
import type { Instance, Listener } from "./instance.js";
import { frame, FrameReader, type Opening, type Request } from "./wire.js";

export function listen(instance: Instance): Listener {
  const sockets = new Set<Socket>();
  const servers = new Map<number, Server>();
  return {
    open(rank) {
      if (!servers.has(rank)) servers.set(rank, listenOn(instance, rank, sockets));
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      const closed = (server: Server) => new Promise((resolve) => server.close(resolve));
      await Promise.all([...servers.values()].map(closed));
    },
  };
}

/** Listens on the socket of a rank. Clients can connect as soon as this function returns. */
function listenOn(instance: Instance, rank: number, sockets: Set<Socket>): Server {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    new Session(instance, rank, socket);
  });
  // The hostname command reads this file if its environment has no SANDBOX_HOST.
  writeFileSync(`${instance.socket(rank)}.host`, `${instance.host(rank).name}\n`);
  return server.listen(instance.socket(rank));
}

class Session {
  readonly #reader = new FrameReader();
  readonly #gone = new AbortController();
  #signalHandler: ((signal: NodeJS.Signals) => void) | undefined;
  #stdin: { translator: LineTranslator; end: () => void } | undefined;
  #handle: Handle | undefined;

  constructor(
    readonly instance: Instance,
    readonly rank: number,
    readonly socket: Socket,
  ) {
    socket.on("data", (chunk) => {
      this.#onData(chunk);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#gone.abort();
      this.#handle?.end();
    });
  }

  #onData(chunk: Buffer): void {
    for (const { type, payload } of this.#reader.feed(chunk)) {
      if (type === "M") this.#handle?.receive(payload.toString());
      else if (type === "H") this.#open(JSON.parse(payload.toString()) as Opening);
      else if (type === "R") void this.#run(JSON.parse(payload.toString()) as Request);
      else if (type === "I") this.#stdin?.translator.write(payload);
      else if (type === "S") this.#signalHandler?.(payload.toString() as NodeJS.Signals);
      else if (type === "E") {
        this.#stdin?.translator.end();
        this.#stdin?.end();
      }
    }
  }

  #open({ user }: Opening): void {
    const userid = userOf(user === null ? {} : { SANDBOX_USER: user });
    this.#handle = new Handle(this.instance, this.rank, userid, (bytes) => {
      if (this.socket.writable) this.socket.write(bytes);
    });
  }

  async #run(request: Request): Promise<void> {
    let { instance, rank } = this;
    let argv = request.argv;
    // flux --parent COMMAND goes to the enclosing instance.
    while (argv[0] === "--parent" || argv[0] === "-p") {
      argv = argv.slice(1);
      if (!instance.parent) continue;
      rank = instance.parent.ranks[rank] ?? 0;
      instance = instance.parent.instance;
    }
    const status = await this.#runCommand(this.#call(instance, rank, { ...request, argv }));
    if (this.#gone.signal.aborted) return;
    this.socket.end(frame("X", String(status)));
  }

  async #runCommand(call: Call): Promise<number> {
    const [name = "", ...argv] = call.argv;
    try {
      refuseGuest(name, argv, call.env);
      return await findCommand(name)({ ...call, argv });
    } catch (error) {
      if (error instanceof Refusal) {
        call.err(`${error.message}\n`);
        return error.status;
      }
      const reason = error instanceof FluxError ? error.message : String((error as Error).stack);
      call.err(`flux-${name}: ERROR: ${reason}\n`);
      return 1;
    }
  }

  #call(instance: Instance, rank: number, { argv, cwd, env }: Request): Call {
    const host = instance.host(rank);
    const send = (type: string) => (chunk: Buffer) => {
      if (this.socket.writable) this.socket.write(frame(type, chunk));
    };
    const [out, err] = [send("O"), send("P")];
    const text = (sink: (chunk: Buffer) => void) => (words: string) => {
      sink(Buffer.from(host.toProcess(words)));
    };
    const bytes = (sink: (chunk: Buffer) => void) => (chunk: Buffer) => {
      sink(Buffer.from(host.toProcess(chunk.toString("latin1")), "latin1"));
    };
    return {
      instance,
      rank,
      host,
      argv: argv.map((word) => host.fromProcess(word)),
      cwd: host.fromProcess(cwd),
      env: host.environmentFromProcess(env),
      out: text(out),
      err: text(err),
      outBytes: bytes(out),
      errBytes: bytes(err),
      onStdin: (data, end) => {
        this.#stdin = {
          translator: new LineTranslator((line) => host.fromProcess(line), data),
          end,
        };
        this.socket.write(frame("W"));
      },
      onSignal: (handler) => {
        this.#signalHandler = handler;
      },
      gone: this.#gone.signal,
    };
  }
}
