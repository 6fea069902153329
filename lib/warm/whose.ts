/**
 * Finds the users whose images are built: a rootless engine keeps separate images for each user.
 */
import type { Config } from "../config/check.js";
import { CommandError, EXIT } from "../errors.js";
import { localEnvironment } from "../host/environment.js";
import type { Run } from "../host/command.js";

export interface Whose {
  /** The name from the command line; undefined for the instance owner, who was not named. */
  name: string | undefined;
  /** Undefined for the instance owner. */
  userid: number | undefined;
}

const DEADLINE_MS = 10_000;

/**
 * Images belong to the same users as clusters: to the instance owner, or to each job's user. Throws
 * a CommandError.
 */
export async function whoseImages(
  run: Run,
  names: string[],
  { runAs, owner }: { runAs: Config["runAs"]; owner: number },
): Promise<Whose[]> {
  const refuse = (text: string) => new CommandError(EXIT.usage, text);
  if (runAs === "owner" && names.length > 0)
    throw refuse(
      `--user: usernetes.run-as is "owner": all clusters are the instance owner's, and so are the images; leave it out`,
    );
  if (runAs === "owner") return [{ name: undefined, userid: undefined }];
  if (names.length === 0)
    throw refuse(
      `usernetes.run-as is "sudo": each user's engine has images of its own; name the users with --user NAME...`,
    );
  const whose: Whose[] = [];
  for (const name of new Set(names)) {
    const uid = await uidOf(run, name);
    if (uid === undefined)
      throw refuse(`--user: found "${name}", which is not a user of this node`);
    if (uid === 0 && owner !== 0) throw refuse(`--user: root's jobs have no cluster`);
    whose.push({ name, userid: uid === owner ? undefined : uid });
  }
  return whose;
}

async function uidOf(run: Run, name: string): Promise<number | undefined> {
  const argv = ["getent", "passwd", "--", name];
  const env = localEnvironment();
  const { exitCode, stdout } = await run({ argv, env, timeoutMs: DEADLINE_MS });
  const uid = stdout.split(":")[2] ?? "";
  return exitCode === 0 && /^[0-9]+$/.test(uid) ? Number(uid) : undefined;
}
