/**
 * The format strings of flux-jobs(1), which are Python format strings with the fields of a job:
 * `{id.f58:>12} {annotations.user.usernetes.state}`. Width, alignment and precision are honoured.
 * Conversions and the `?:` prefixes are ignored.
 */
import { dothex, f58, kvsDirectory } from "../../lib/flux/jobid.js";
import { pythonJson } from "./python-json.js";
import type { JobRecord } from "./job-record.js";

const ABBREVIATIONS: Record<string, string> = {
  NEW: "N",
  DEPEND: "D",
  PRIORITY: "P",
  SCHED: "S",
  RUN: "R",
  CLEANUP: "C",
  COMPLETED: "CD",
  FAILED: "F",
  CANCELED: "CA",
  TIMEOUT: "TO",
};
const FLOATS = ["duration", "expiration", "runtime"];
const HEADINGS: Record<string, string> = {
  "id.f58": "JOBID",
  id: "JOBID",
  "annotations.user": "USER",
};

function idForm(id: bigint, form: string | undefined): string {
  if (form === "dec") return String(id);
  if (form === "dothex") return dothex(id);
  if (form === "hex") return `0x${id.toString(16)}`;
  return form === "kvs" ? kvsDirectory(id) : f58(id);
}

function valueOf(record: JobRecord, field: string): string {
  const path = field.split(".");
  if (path[0] === "id") return idForm(record["id"] as bigint, path[1]);
  if (field === "status_abbrev") return ABBREVIATIONS[String(record["status"])] ?? "";
  let value: unknown = record;
  for (const name of path)
    value = typeof value === "object" && value !== null ? (value as JobRecord)[name] : undefined;
  if (value === undefined || value === null) return "";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number")
    return Number.isInteger(value) && FLOATS.includes(field) ? `${value}.0` : String(value);
  return typeof value === "string" ? value : pythonJson(value);
}

function pad(text: string, spec: string): string {
  const [, align = "<", width = "0", precision] =
    /^([<>^]?)0?([0-9]*)(?:\.([0-9]+))?/.exec(spec) ?? [];
  const cut = precision === undefined ? text : text.slice(0, Number(precision));
  if (align === ">") return cut.padStart(Number(width));
  return cut.padEnd(Number(width));
}

const FIELD = /\{([A-Za-z_0-9.]+)(?:![a-zA-Z])?(?::([^{}]*))?\}/g;

/** Returns one line without the newline. */
export function formatJob(format: string, record: JobRecord): string {
  return format
    .replace(/\?\+?:(?=\{)/g, "")
    .replace(FIELD, (_, field: string, spec = "") => pad(valueOf(record, field), String(spec)));
}

export function formatHeading(format: string): string {
  return format.replace(/\?\+?:(?=\{)/g, "").replace(FIELD, (_, field: string, spec = "") => {
    const heading = HEADINGS[field] ?? field.replace(/^annotations\./, "").toUpperCase();
    return pad(heading, String(spec));
  });
}
