/**
 * The flux archives of an instance: named sets of files with their modes. Each archive is a value
 * in the KVS (after RFC 37), so removing its key removes the archive.
 */
import type { Kvs } from "./kvs.js";

export interface ArchivedFile {
  path: string;
  mode: number;
  /** Undefined for a directory. */
  content?: Buffer;
}

interface Fileref {
  path: string;
  mode: number;
  data?: string;
}

const keyOf = (name: string): string => `archive.${name}`;

export class Archives {
  constructor(private readonly kvs: Kvs) {}

  get(name: string): ArchivedFile[] | undefined {
    const text = this.kvs.get(keyOf(name));
    if (text === undefined) return undefined;
    return (JSON.parse(text) as Fileref[]).map(({ path, mode, data }) => ({
      path,
      mode,
      ...(data === undefined ? {} : { content: Buffer.from(data, "base64") }),
    }));
  }

  put(name: string, files: ArchivedFile[]): void {
    const refs = files.map(({ path, mode, content }): Fileref => {
      return content ? { path, mode, data: content.toString("base64") } : { path, mode };
    });
    this.kvs.put(keyOf(name), JSON.stringify(refs));
  }

  remove(name: string): boolean {
    const there = this.kvs.get(keyOf(name)) !== undefined;
    this.kvs.unlink(keyOf(name));
    return there;
  }

  /** Resolves to the archive when it exists, or to undefined after the timeout. */
  appears(name: string, timeoutMs: number, gone: AbortSignal): Promise<ArchivedFile[] | undefined> {
    const present = this.get(name);
    if (present) return Promise.resolve(present);
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        stop();
        resolve(this.get(name));
      };
      const timer = setTimeout(finish, Math.min(timeoutMs, 2 ** 31 - 1)).unref();
      const stop = this.kvs.watch(keyOf(name), finish);
      gone.addEventListener("abort", finish, { once: true });
    });
  }
}
