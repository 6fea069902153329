/**
 * The keys of the [usernetes] table, from its schema, for the manual page and for
 * docs/admin/configure.md.
 */
import { FORMATS, schema } from "../../lib/config/schema.js";
import { item, paragraph, sentence, type Block } from "./blocks.js";

export interface Key {
  name: string;
  /** The description of the key. */
  meaning: string;
  /** The default value as TOML; undefined if the key has no default. */
  value: string | undefined;
  required: boolean;
  /** The allowed values, for people; undefined if the meaning describes them. */
  allowed: string | undefined;
  /** The keys of a table, such as `up` of `attempts`. */
  inner: Key[];
}

/** The part of JSON schema that the schema of the table uses. */
interface Property {
  description?: string;
  /** The allowed values, for people; if not set, they are derived from the other fields. */
  allowed?: string;
  default?: unknown;
  enum?: readonly unknown[];
  type?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  items?: Property;
  properties?: Record<string, Property>;
}

export function keys(): Key[] {
  return keysOf(schema.properties, schema.required);
}

function keysOf(properties: Record<string, Property>, required: readonly string[]): Key[] {
  return Object.entries(properties).map(([name, property]) => ({
    name,
    meaning: property.description ?? "",
    value: valueOf(property),
    required: required.includes(name),
    allowed: allowedOf(property),
    inner: keysOf(property.properties ?? {}, []),
  }));
}

function valueOf({ default: value, properties, type }: Property): string | undefined {
  // The blanks after the commas allow a line break on the page.
  if (Array.isArray(value)) return `[${value.map((one) => JSON.stringify(one)).join(", ")}]`;
  if (!properties && type !== "object")
    return value === undefined ? undefined : JSON.stringify(value);
  const inner = Object.entries(properties ?? {}).flatMap(([name, each]) => {
    const own = valueOf(each);
    return own === undefined ? [] : [`${name} = ${own}`];
  });
  return inner.length === 0 ? "{}" : `{ ${inner.join(", ")} }`;
}

function allowedOf({
  allowed: own,
  enum: values,
  items,
  type,
  format,
  minimum,
  maximum,
}: Property) {
  if (own !== undefined) return own;
  if (values) return oneOf(values);
  if (items?.enum) return `a list of ${oneOf(items.enum).replace(" or ", " and ")}`;
  if (items?.format !== undefined) return `a list, each ${FORMATS[items.format]?.allowed ?? ""}`;
  if (format !== undefined) return FORMATS[format]?.allowed;
  if (type === "boolean") return "true or false";
  if (type === "integer") return `a whole number, ${minimum ?? 0} to ${maximum ?? "any"}`;
  return undefined;
}

const oneOf = (values: readonly unknown[]): string =>
  values
    .map((value) => JSON.stringify(value))
    .join(", ")
    .replace(/, ([^,]*)$/, " or $1");

/** The section KEYS of flux-config-usernetes(5). */
export function keyBlocks(found = keys(), table = ""): Block[] {
  return found.flatMap(({ name, meaning, value, required, allowed, inner }) => {
    const duty = required ? "(required)" : "(optional)";
    const words = [
      `${duty} ${sentence(meaning)}`,
      ...(allowed === undefined ? [] : [`Allowed: ${allowed}.`]),
      ...(value === undefined ? [] : [`(Default: \`${value}\`)`]),
    ];
    const key = `${table}${name}`;
    return [item(`\`${key}\``, [paragraph(words.join(" "))]), ...keyBlocks(inner, `${key}.`)];
  });
}
