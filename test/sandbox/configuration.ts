/**
 * The broker's TOML configuration. `@SANDBOX@` in it is replaced by the root directory, so that a
 * file can name `@SANDBOX@/hosts/self` before the root directory is known.
 *
 * As in Flux, a broken file makes `reload` hang, and every later `get`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";

export interface ConfigurationSource {
  /** TOML text. */
  text?: string;
  /** A directory of *.toml files. */
  directory?: string;
  /** The tables themselves. */
  tables?: Record<string, unknown>;
}

export class Configuration {
  /** Mutable: a test may change the text before a reload. */
  source: ConfigurationSource;
  broken = false;
  #tables: Record<string, unknown> = {};

  constructor(
    readonly root: string,
    source: ConfigurationSource = {},
  ) {
    this.source = source;
    this.#tables = this.#read();
  }

  #read(): Record<string, unknown> {
    const { text, directory } = this.source;
    const texts = text === undefined ? [] : [text];
    if (directory !== undefined)
      for (const name of readdirSync(directory).sort())
        if (name.endsWith(".toml")) texts.push(readFileSync(join(directory, name), "utf8"));
    const parsed = texts.map((toml) => parse(toml.replaceAll("@SANDBOX@", this.root)));
    return Object.assign({}, this.source.tables, ...parsed) as Record<string, unknown>;
  }

  /** Returns false if the text cannot be parsed. No request is answered after that. */
  reload(): boolean {
    try {
      this.#tables = this.#read();
    } catch {
      this.broken = true;
    }
    return !this.broken;
  }

  /** Returns the value of a key, or undefined if it is not set. Without a key: the whole table. */
  get(key?: string): unknown {
    let here: unknown = this.#tables;
    for (const name of key?.split(".") ?? [])
      here =
        typeof here === "object" && here !== null
          ? (here as Record<string, unknown>)[name]
          : undefined;
    return here;
  }
}
