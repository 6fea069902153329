/** Whose images `flux usernetes warm` builds. */
import t from "tap";
import type { Run } from "../../lib/host/command.js";
import { whoseImages } from "../../lib/warm/whose.js";
import { ended } from "../fakes/playing-run.js";

const USERS: Record<string, number> = { flux: 500, alice: 1001, root: 0 };

const run: Run = ({ argv }) => {
  const name = argv.at(-1) ?? "";
  const uid = USERS[name];
  const stdout = `${name}:x:${uid}:${uid}::/home/${name}:/bin/sh\n`;
  return Promise.resolve(uid === undefined ? ended({ exitCode: 2 }) : ended({ stdout }));
};

const owner = 500;

t.test("all clusters are the owner's, or each is its user's", async (t) => {
  const whose = (runAs: "owner" | "sudo", ...names: string[]) =>
    whoseImages(run, names, { runAs, owner });
  t.strictSame(await whose("owner"), [{ name: undefined, userid: undefined }]);
  t.strictSame(await whose("sudo", "alice", "flux", "alice"), [
    { name: "alice", userid: 1001 },
    { name: "flux", userid: undefined },
  ]);
});

t.test("a run without any user is refused, with what to do", async (t) => {
  const refused = async (runAs: "owner" | "sudo", names: string[], words: RegExp) => {
    const error = await whoseImages(run, names, { runAs, owner }).then(
      () => undefined,
      (error: unknown) => error,
    );
    t.match(error, { status: 2, message: words });
  };
  await refused("owner", ["alice"], /^--user: usernetes\.run-as is "owner".*; leave it out$/);
  await refused("sudo", [], /^usernetes\.run-as is "sudo": .* with --user NAME\.\.\.$/);
  await refused("sudo", ["bob"], /^--user: found "bob", which is not a user of this node$/);
  await refused("sudo", ["root"], /^--user: root's jobs have no cluster$/);
});
