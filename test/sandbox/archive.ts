/**
 * flux archives: named sets of files with their modes, kept in memory.
 */
import { EventEmitter } from "node:events";

export interface ArchivedFile {
  path: string;
  mode: number;
  /** Undefined for a directory. */
  content?: Buffer;
}

export class Archives {
  readonly #archives = new Map<string, ArchivedFile[]>();
  readonly #news = new EventEmitter().setMaxListeners(0);

  get(name: string): ArchivedFile[] | undefined {
    return this.#archives.get(name);
  }

  put(name: string, files: ArchivedFile[]): void {
    this.#archives.set(name, files);
    this.#news.emit(name);
  }

  remove(name: string): boolean {
    return this.#archives.delete(name);
  }

  /** Resolves with the archive when there is one, undefined when the time is up. */
  appears(name: string, timeoutMs: number, gone: AbortSignal): Promise<ArchivedFile[] | undefined> {
    const present = this.get(name);
    if (present) return Promise.resolve(present);
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        this.#news.off(name, finish);
        resolve(this.get(name));
      };
      const timer = setTimeout(finish, Math.min(timeoutMs, 2 ** 31 - 1)).unref();
      this.#news.on(name, finish);
      gone.addEventListener("abort", finish, { once: true });
    });
  }
}
