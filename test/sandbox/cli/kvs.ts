/** flux-kvs(1): get, put, dir, ls, unlink and eventlog. */
import { readStdin, type Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { dispatch } from "../dispatch.js";
import { decodeEventlog, encodeEntry, formatEntry, now } from "../eventlog.js";
import { parseOptions, type Options } from "../options.js";

const parse = (call: Call, specs: string[]) =>
  parseOptions(call.argv, { command: "flux-kvs", specs });

/**
 * Returns a function that maps a key of the caller's namespace to a key of the KVS. A job's tasks
 * have the job's namespace. One KVS holds all namespaces.
 */
function placed(call: Call, options: Options): (key: string) => string {
  const namespace = options.get("namespace") ?? call.env["FLUX_KVS_NAMESPACE"] ?? "primary";
  return (key) => (namespace === "primary" ? key : `namespace ${namespace}.${key}`);
}

/** Resolves when the key exists, or when the caller has exited. */
async function created(call: Call, key: string): Promise<void> {
  const { kvs } = call.instance;
  if (kvs.get(key) !== undefined) return;
  await new Promise<void>((resolve) => {
    const stop = kvs.watch(key, resolve);
    call.gone.addEventListener("abort", () => {
      stop();
      resolve();
    });
  });
}

/** Returns the text of a key. Fails as flux-kvs does. */
function lookup(call: Call, key: string): string {
  const { kvs } = call.instance;
  const text = kvs.get(key);
  if (text !== undefined) return text;
  throw new Refusal(
    `flux-kvs: ${key}: ${kvs.isDirectory(key) ? "Is a directory" : "No such file or directory"}`,
  );
}

/** Prints values. --watch is implemented only with --count=1. */
async function get(call: Call): Promise<number> {
  const flags = ["raw|r", "json|j", "label|l", "waitcreate|W", "watch|w"];
  const options = parse(call, [...flags, "count|c=", "namespace|N="]);
  if (options.has("watch") && options.get("count") !== "1")
    throw new Refusal("flux-kvs: get: --watch without --count=1 is not played");
  const place = placed(call, options);
  for (const key of options.rest.map(place)) {
    if (options.has("waitcreate")) await created(call, key);
    const text = lookup(call, key);
    call.out(options.has("raw") ? text : `${text}\n`);
  }
  return 0;
}

async function put(call: Call): Promise<number> {
  const options = parse(call, ["raw|r", "no-merge|n", "append|A", "namespace|N=", "blobref|b"]);
  for (const word of options.rest) {
    const equals = word.indexOf("=");
    if (equals < 0) throw new Refusal("flux-kvs: put: you must specify a value as key=value");
    const key = placed(call, options)(word.slice(0, equals));
    let value = word.slice(equals + 1);
    if (options.has("raw") && value === "-") value = await readStdin(call);
    if (options.has("append")) call.instance.kvs.append(key, value);
    else call.instance.kvs.put(key, value);
  }
  return 0;
}

function directory(call: Call, key: string): string[] {
  const { kvs } = call.instance;
  if (kvs.get(key) !== undefined) throw new Refusal(`flux-kvs: ${key}: Not a directory`);
  if (!kvs.isDirectory(key)) throw new Refusal(`flux-kvs: ${key}: No such file or directory`);
  return kvs.list(key).map((name) => (key === "." ? name : `${key}.${name}`));
}

function dir(call: Call): number {
  const options = parse(call, ["recursive|R", "directory|d", "width|w="]);
  const show = (key: string): void => {
    for (const name of directory(call, key)) {
      const text = call.instance.kvs.get(name);
      if (text === undefined && options.has("recursive")) show(name);
      else if (text === undefined) call.out(`${name}.\n`);
      else {
        const line = `${name} = ${text.replaceAll("\n", " ").trimEnd()}`;
        call.out(`${line.length > 80 ? `${line.slice(0, 76)}...` : line}\n`);
      }
    }
  };
  show(options.rest[0] ?? ".");
  return 0;
}

function ls(call: Call): number {
  const options = parse(call, ["recursive|R", "directory|d", "1|1", "classify|F", "width|w="]);
  const key = options.rest[0] ?? ".";
  const { kvs } = call.instance;
  if (kvs.get(key) !== undefined) call.out(`${key}\n`);
  else if (!kvs.isDirectory(key)) throw new Refusal(`${key}: No such file or directory`);
  else for (const name of kvs.list(key)) call.out(`${name}\n`);
  return 0;
}

function unlink(call: Call): number {
  const options = parse(call, ["recursive|R", "force|f", "namespace|N="]);
  const { kvs } = call.instance;
  for (const key of options.rest) {
    const isDirectory = kvs.get(key) === undefined && kvs.isDirectory(key);
    if (kvs.get(key) === undefined && !isDirectory && !options.has("force"))
      throw new Refusal(`flux-kvs: cannot unlink '${key}': No such file or directory`);
    if (isDirectory && !options.has("recursive"))
      throw new Refusal(`flux-kvs: cannot unlink '${key}': Directory not empty`);
    kvs.unlink(key);
  }
  return 0;
}

function append(call: Call): number {
  const options = parse(call, ["timestamp|t=", "namespace|N="]);
  const [key = "", name = "", ...words] = options.rest;
  const timestamp = options.has("timestamp") ? Number(options.get("timestamp")) : now();
  let context: unknown;
  try {
    if (words.length > 0) context = JSON.parse(words.join(" "));
  } catch {
    context = "";
  }
  if (context !== undefined && (typeof context !== "object" || context === null))
    throw new Refusal("flux-kvs: eventlog_entry_create: Invalid argument");
  const entry = {
    timestamp,
    name,
    ...(context ? { context: context as Record<string, unknown> } : {}),
  };
  call.instance.kvs.append(key, encodeEntry(entry));
  return 0;
}

function getEventlog(call: Call): number {
  const options = parse(call, ["unformatted|u", "watch|w", "count|c=", "namespace|N="]);
  const text = call.instance.kvs.get(options.rest[0] ?? "");
  if (text === undefined)
    throw new Refusal("flux-kvs: flux_kvs_lookup_get: No such file or directory");
  if (options.has("unformatted")) call.out(text);
  else for (const entry of decodeEventlog(text)) call.out(`${formatEntry(entry)}\n`);
  return 0;
}

export const kvs = dispatch("kvs", {
  get,
  put,
  dir,
  ls,
  unlink,
  eventlog: dispatch("kvs", { append, get: getEventlog }),
});
