/**
 * Shares the join command with the workers by `flux archive create`. The archive is made from a
 * file that only the instance owner can read and that is removed immediately. Safe to repeat: the
 * archive is replaced.
 */
import { rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PermanentError } from "../lib/errors.js";
import { createArchive } from "../lib/flux/archive.js";
import { output } from "../lib/host/command.js";
import { archive, joinDirectory } from "../lib/usernetes/names.js";
import type { World } from "./world.js";

/** The join command, as kubeadm prints it. */
const JOIN =
  /^kubeadm join [A-Za-z0-9.:[\]-]+:[0-9]+ --token [a-z0-9]{6}\.[a-z0-9]{16}( --discovery-token-ca-cert-hash sha256:[0-9a-f]{64})+$/;
/** The lines that the template's Makefile adds. Bash runs all of them on the workers. */
const AROUND = [
  /^(#[\x20-\x7e\t]*)?$/,
  /^set -[eux]+( -o pipefail)?$/,
  /^echo "[\w.:%-]+ +[\w.-]+" >\/etc\/hosts\.u7s$/,
  /^cat \/etc\/hosts\.u7s >>\/etc\/hosts$/,
];
/** Maximum characters, which is ten times the usual length. */
const MAX = 8192;

/**
 * Returns the join command without trailing white space, which a terminal adds. Returns undefined
 * if the text is not valid.
 */
export function joinCommandOf(text: string): string | undefined {
  const lines = text.split("\n").map((line) => line.replace(/[ \t\r]+$/, ""));
  const joins = lines.filter((line) => JOIN.test(line));
  const isValid =
    text.length <= MAX &&
    joins.length === 1 &&
    lines.every((line) => [JOIN, ...AROUND].some((known) => known.test(line)));
  return isValid ? lines.join("\n") : undefined;
}

/**
 * Explains why a text is not a join command. The explanation gives the place of the fault but never
 * the text, which may contain a token.
 */
function whatIsWrong(text: string): string {
  if (text.trim() === "") return "it is empty";
  if (text.length > MAX) return `it has ${text.length} characters, of at most ${MAX}`;
  const lines = text.split("\n").map((line) => line.trimEnd());
  if (lines.some((line) => /^echo " +[\w.-]*" >\/etc\/hosts/.test(line)))
    return "the lead's address in it is empty (HOST_IP): set usernetes.interface";
  const strange = lines.findIndex((line) => ![JOIN, ...AROUND].some((known) => known.test(line)));
  if (strange >= 0)
    return `line ${strange + 1} of ${lines.length} is neither a kubeadm join with a token and a CA hash nor one of the template's lines`;
  return "it must have exactly one kubeadm join line";
}

/**
 * The private directory has the job's name, so that the next daemon finds and removes the directory
 * of a killed one.
 */
function privateDirectory(jobid: bigint, world: World): string {
  return join(tmpdir(), joinDirectory(jobid, world.site.instance));
}

/** Creates the archive. Errors do not contain the text, which may contain a token. */
export async function publishJoinCommand(jobid: bigint, text: string, world: World): Promise<void> {
  const command = joinCommandOf(text);
  if (command === undefined)
    throw new PermanentError(`make join-command produced an unexpected file: ${whatIsWrong(text)}`);
  const directory = privateDirectory(jobid, world);
  removePublished(jobid, world);
  // Fails if another user has planted a file of that name.
  await mkdir(directory, { mode: 0o700 });
  try {
    await writeFile(join(directory, "join-command"), command, { mode: 0o600, flag: "wx" });
    const file = { directory, file: "join-command", env: world.site.base };
    await output(world.run, createArchive(archive(jobid), file));
  } finally {
    removePublished(jobid, world);
  }
}

/** Removes the file from which the archive is made, if it exists. */
export function removePublished(jobid: bigint, world: World): void {
  rmSync(privateDirectory(jobid, world), { recursive: true, force: true });
}
