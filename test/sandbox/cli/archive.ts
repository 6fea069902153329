/** flux-archive(1): create, extract, list and remove. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import type { ArchivedFile } from "../archive.js";
import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import { dispatch } from "../dispatch.js";
import { parseFsd } from "../duration.js";
import { parseOptions, type Options } from "../options.js";

const COMMON = ["name|n=", "directory|C=", "overwrite", "verbose|v", "no-force-primary"];
const parse = (call: Call, specs: string[] = []) =>
  parseOptions(call.argv, { command: "flux-archive", specs: [...COMMON, ...specs] });

const archiveName = (options: Options): string => options.get("name") ?? "main";

/** Returns the directory of -C as a path on the real file system. */
function directory(call: Call, options: Options): string {
  const given = options.get("directory");
  const path = given === undefined ? call.cwd : isAbsolute(given) ? given : join(call.cwd, given);
  const folder = call.host.toProcess(path);
  if (!existsSync(folder))
    throw new Refusal(`flux-archive: chdir ${given ?? path}: No such file or directory`);
  return folder;
}

function collect(folder: string, path: string): ArchivedFile[] {
  const full = isAbsolute(path) ? path : join(folder, path);
  if (!existsSync(full)) throw new Refusal(`flux-archive: ${path}: No such file or directory`);
  const { mode } = statSync(full);
  if (!statSync(full).isDirectory())
    return [{ path, mode: mode & 0o7777, content: readFileSync(full) }];
  const inside = readdirSync(full).flatMap((name) => collect(folder, join(path, name)));
  return [{ path, mode: mode & 0o7777 }, ...inside];
}

function create(call: Call): number {
  const options = parse(call, ["append", "preserve", "mmap"]);
  const name = archiveName(options);
  const { archives } = call.instance;
  if (archives.get(name) && !options.has("overwrite") && !options.has("append"))
    throw new Refusal(`flux-archive: archive.${name}: key exists`);
  const folder = directory(call, options);
  const files = options.rest.flatMap((path) => collect(folder, call.host.toProcess(path)));
  archives.put(name, options.has("append") ? [...(archives.get(name) ?? []), ...files] : files);
  return 0;
}

async function extract(call: Call): Promise<number> {
  const options = parse(call, ["waitcreate?", "list-only|t"]);
  const name = archiveName(options);
  const folder = directory(call, options);
  const limit = options.get("waitcreate");
  const timeoutMs =
    limit === undefined ? 0 : limit === "" ? Infinity : (parseFsd(limit) ?? 0) * 1000;
  const { archives } = call.instance;
  const files =
    timeoutMs > 0 ? await archives.appears(name, timeoutMs, call.gone) : archives.get(name);
  if (!files)
    throw new Refusal(`flux-archive: KVS lookup archive.${name}: No such file or directory`);
  for (const file of files) {
    const path = join(folder, file.path);
    if (!file.content) {
      mkdirSync(path, { recursive: true, mode: file.mode });
      continue;
    }
    if (existsSync(path) && !options.has("overwrite"))
      throw new Refusal(`flux-archive: ${file.path}: write: Attempt to overwrite existing file`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.content, { mode: file.mode });
    chmodSync(path, file.mode);
  }
  return 0;
}

function list(call: Call): number {
  const options = parse(call, ["long|l", "raw"]);
  const name = archiveName(options);
  const files = call.instance.archives.get(name);
  if (!files)
    throw new Refusal(`flux-archive: KVS lookup archive.${name}: No such file or directory`);
  for (const { path, mode, content } of files) {
    const kind = content ? "f" : "d";
    const size = String(content?.length ?? 0).padStart(8);
    const head = `${kind} ${mode.toString(8).padStart(4, "0")} ${size} `;
    call.out(`${options.has("long") ? head : ""}${path}\n`);
  }
  return 0;
}

function remove(call: Call): number {
  const options = parse(call, ["force|f"]);
  const name = archiveName(options);
  if (!call.instance.archives.remove(name) && !options.has("force"))
    throw new Refusal(`flux-archive: archive.${name} does not exist`);
  return 0;
}

export const archive = dispatch("archive", { create, extract, list, remove });
