/**
 * A small getopt_long(3), sufficient for the options of the flux commands.
 *
 * A specification is `long|s` for a flag, `long|s=` for an option with a value, and `long|s?` for
 * an option with an optional value (`--long=V` only). Options may be repeated.
 */
import { Refusal } from "./refusal.js";

interface Spec {
  long: string;
  takes: "" | "=" | "?";
}

export class Options {
  readonly #values = new Map<string, string[]>();
  readonly rest: string[] = [];

  add(name: string, value: string): void {
    const values = this.#values.get(name) ?? [];
    values.push(value);
    this.#values.set(name, values);
  }
  has(name: string): boolean {
    return this.#values.has(name);
  }
  get(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }
  all(name: string): string[] {
    return this.#values.get(name) ?? [];
  }
}

export interface Parsing {
  command: string;
  specs: string[];
  /** Options end at the first operand (exec, submit, ...). */
  stopAtOperand?: boolean;
}

export function parseOptions(argv: string[], { command, specs, stopAtOperand }: Parsing): Options {
  const table = new Map<string, Spec>();
  for (const text of specs) {
    const [, long = "", short, takes = ""] = /^([^|=?]+)(?:\|(.))?([=?]?)$/.exec(text) ?? [];
    const spec: Spec = { long, takes: takes as Spec["takes"] };
    table.set(`--${long}`, spec);
    if (short) table.set(`-${short}`, spec);
  }
  const options = new Options();
  const queue = [...argv];
  const wants = (spec: Spec, name: string): string => {
    const value = queue.shift();
    if (value === undefined) throw new Refusal(`${command}: option '${name}' requires an argument`);
    options.add(spec.long, value);
    return value;
  };
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") break;
    if (!word.startsWith("-") || word === "-") {
      options.rest.push(word);
      if (stopAtOperand) break;
    } else if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = equals < 0 ? word : word.slice(0, equals);
      const spec = table.get(name) ?? refuse(command, name);
      if (equals >= 0) options.add(spec.long, word.slice(equals + 1));
      else if (spec.takes === "=") wants(spec, name);
      else options.add(spec.long, "");
    } else takeShort(word.slice(1), { table, options, command, wants });
  }
  options.rest.push(...queue);
  return options;
}

interface Shorts {
  table: Map<string, Spec>;
  options: Options;
  command: string;
  wants: (spec: Spec, name: string) => string;
}

function takeShort(letters: string, { table, options, command, wants }: Shorts): void {
  for (let i = 0; i < letters.length; i++) {
    const name = `-${letters.charAt(i)}`;
    const spec = table.get(name) ?? refuse(command, name);
    const attached = letters.slice(i + 1);
    if (spec.takes === "") options.add(spec.long, "");
    else {
      if (attached) options.add(spec.long, attached);
      else if (spec.takes === "=") wants(spec, name);
      else options.add(spec.long, "");
      return;
    }
  }
}

function refuse(command: string, name: string): never {
  throw new Refusal(
    `${command}: unrecognized option '${name}'\nTry \`${command} --help' for more information.`,
  );
}
