/**
 * The key-value store, which maps dotted keys to text, in memory. A directory exists while there is
 * a key under it. Watchers of a key are called at each change of its value.
 */
import { EventEmitter } from "node:events";

export type Operation = ["append" | "put", key: string, text: string] | ["unlink", key: string];

export class Kvs {
  readonly #values = new Map<string, string>();
  readonly #changes = new EventEmitter().setMaxListeners(0);

  get(key: string): string | undefined {
    return this.#values.get(key);
  }

  put(key: string, text: string): void {
    this.#values.set(key, text);
    this.#changes.emit(key);
  }

  append(key: string, text: string): void {
    this.put(key, (this.#values.get(key) ?? "") + text);
  }

  /** Removes a key, or a directory with all its keys. */
  unlink(key: string): void {
    for (const name of [...this.#values.keys()])
      if (name === key || name.startsWith(`${key}.`)) this.#values.delete(name);
  }

  commit(operations: Operation[]): void {
    for (const [verb, key, text] of operations) {
      if (verb === "append") this.append(key, text);
      else if (verb === "put") this.put(key, text);
      else this.unlink(key);
    }
  }

  isDirectory(key: string): boolean {
    if (key === "." || key === "") return true;
    return [...this.#values.keys()].some((name) => name.startsWith(`${key}.`));
  }

  /** Returns the sorted names in a directory. */
  list(directory: string): string[] {
    const prefix = directory === "." || directory === "" ? "" : `${directory}.`;
    const names = new Set<string>();
    for (const key of this.#values.keys())
      if (key.startsWith(prefix)) names.add(key.slice(prefix.length).split(".")[0] ?? "");
    return [...names].sort();
  }

  /** Calls `changed` at each change of the key until the returned function is called. */
  watch(key: string, changed: () => void): () => void {
    this.#changes.on(key, changed);
    return () => this.#changes.off(key, changed);
  }
}
