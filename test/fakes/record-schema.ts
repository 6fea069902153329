/** Reads the JSON schemas of docs/record.md and checks a record against them. */
import { Ajv, type ValidateFunction } from "ajv";
import { readFileSync } from "node:fs";
import { packagePath } from "../../lib/host/package.js";

/** Returns the schemas by event name, in the order of the document. */
export function readSchemas(): Map<string, Record<string, unknown>> {
  const text = readFileSync(packagePath("docs", "record.md"), "utf8");
  const blocks = [...text.matchAll(/^## (\S+)$[\s\S]*?^```json\n([\s\S]*?)^```$/gm)];
  return new Map(
    blocks.map(([, name = "", json = ""]) => [name, JSON.parse(json) as Record<string, unknown>]),
  );
}

let validators: Map<string, ValidateFunction> | undefined;

/** Returns one line for each event that does not match its schema or has none. */
export function faultsOf(eventlog: string): string[] {
  const ajv = new Ajv({ allErrors: true, strictRequired: false });
  validators ??= new Map([...readSchemas()].map(([name, schema]) => [name, ajv.compile(schema)]));
  return eventlog
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      const event = JSON.parse(line) as { name: string };
      const validate = validators?.get(event.name);
      if (validate?.(event)) return [];
      return [`${line}: ${validate ? ajv.errorsText(validate.errors) : "there is no such event"}`];
    });
}
