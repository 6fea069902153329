/**
 * Emulates hosts with private disks, without privileges.
 *
 * A configuration names "this host's private disk" `ROOT/hosts/self`. No file ever exists under
 * that path. It is replaced by `ROOT/hosts/node<r>` in all text for a process of that host, and
 * back in all text from that process. The effect is that of a mount namespace per host.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** Returns the text's bytes as a Latin-1 string, so that replacing never breaks a character. */
const bytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const pattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

export class Host {
  readonly directory: string;
  readonly #self: string;
  readonly #own: RegExp;

  constructor(
    readonly root: string,
    readonly name: string,
    /** The command prefix that enters the host's own namespaces. */
    readonly wrap: string[] = [],
  ) {
    this.#self = join(root, "hosts", "self");
    this.directory = join(root, "hosts", name);
    this.#own = new RegExp(`${pattern(this.directory)}(?![0-9])`, "g");
    mkdirSync(this.directory, { recursive: true });
  }

  /** Translates the instance's text for a process of this host. */
  toProcess(text: string): string {
    return text.replaceAll(this.#self, this.directory);
  }

  /** Translates a process's text for the instance. */
  fromProcess(text: string): string {
    return text.replace(this.#own, this.#self);
  }

  environmentToProcess(env: Record<string, string>): Record<string, string> {
    return mapValues(env, (value) => this.toProcess(value));
  }

  environmentFromProcess(env: Record<string, string>): Record<string, string> {
    return mapValues(env, (value) => this.fromProcess(value));
  }
}

function mapValues(
  env: Record<string, string>,
  change: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([key, value]) => [key, change(value)]));
}

/**
 * Translates a stream of bytes line by line. Roots are ASCII, so the bytes of a line may be treated
 * as Latin-1. At most HELD bytes of an incomplete line wait for the newline or the end of the
 * stream.
 */
export class LineTranslator {
  static readonly HELD = 65536;
  #held = "";

  constructor(
    readonly translate: (text: string) => string,
    readonly sink: (chunk: Buffer) => void,
  ) {}

  write(chunk: Buffer): void {
    this.#held += chunk.toString("latin1");
    const end =
      this.#held.length > LineTranslator.HELD
        ? this.#held.length
        : this.#held.lastIndexOf("\n") + 1;
    if (end === 0) return;
    this.#emit(this.#held.slice(0, end));
    this.#held = this.#held.slice(end);
  }

  end(): void {
    if (this.#held) this.#emit(this.#held);
    this.#held = "";
  }

  #emit(text: string): void {
    this.sink(Buffer.from(this.translate(text), "latin1"));
  }
}

/** Refuses a root with a path that is not ASCII: LineTranslator relies on ASCII. */
export function assertAscii(root: string): void {
  if (bytes(root) !== root) throw new Error(`${root}: the embedded Flux needs an ASCII path`);
}
