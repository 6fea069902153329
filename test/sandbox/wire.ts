/**
 * The protocol of an instance's socket. A frame has one type byte, four bytes of length, and the
 * payload. The flux command uses these frames:
 *
 *   client: R request {argv, cwd, env} · I stdin · E end of stdin · S signal name
 *   server: O stdout · P stderr · W stdin is wanted · X exit status
 *
 * A program that opens a handle (python/flux) uses these:
 *
 *   client: H {user} · M message
 *   server: M message
 */
export interface Frame {
  type: string;
  payload: Buffer;
}

export interface Request {
  argv: string[];
  cwd: string;
  env: Record<string, string>;
}

/** The payload of H: `user` is the SANDBOX_USER of the program that opens the handle. */
export interface Opening {
  user: string | null;
}

export function frame(type: string, payload: Buffer | string = ""): Buffer {
  const body = typeof payload === "string" ? Buffer.from(payload) : payload;
  const head = Buffer.alloc(5);
  head.write(type, 0, "latin1");
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

export class FrameReader {
  #chunks: Buffer = Buffer.alloc(0);

  feed(chunk: Buffer): Frame[] {
    this.#chunks = this.#chunks.length > 0 ? Buffer.concat([this.#chunks, chunk]) : chunk;
    const frames: Frame[] = [];
    while (this.#chunks.length >= 5) {
      const length = this.#chunks.readUInt32BE(1);
      if (this.#chunks.length < 5 + length) break;
      frames.push({
        type: this.#chunks.toString("latin1", 0, 1),
        payload: this.#chunks.subarray(5, 5 + length),
      });
      this.#chunks = this.#chunks.subarray(5 + length);
    }
    return frames;
  }
}
