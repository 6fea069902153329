/** Tests of flux archive, which carries the join command to the workers. */
import { contract } from "./contract.js";

contract((t, flux) => {
  const { disk } = flux;
  const on = (rank: number, ...argv: string[]) =>
    flux.run(["exec", "-n", "-r", String(rank), ...argv]);
  const archive = (...argv: string[]) => on(0, "flux", "archive", ...argv);

  t.before(async () => {
    await on(0, "sh", "-c", `cd ${disk} && umask 077 && printf 'kubeadm join\n' > join-command`);
  });

  t.test("an archive's name can be used once, unless it may be overwritten", async (t) => {
    const create = ["create", "--name", "j", "-C", disk, "join-command"];
    t.match(await archive(...create), { exitCode: 0, stderr: "" });
    t.match(await archive(...create), {
      exitCode: 1,
      stderr: /^flux-archive: archive\.j: key exists\n/,
    });
    t.match(await archive("create", "--overwrite", ...create.slice(1)), { exitCode: 0 });
    t.match(await archive("list", "--long", "--name", "j"), {
      stdout: "f 0600       13 join-command\n",
    });
  });

  t.test("files arrive with their modes, and are overwritten only on request", async (t) => {
    const extract = ["flux", "archive", "extract", "--name", "j", "-C", disk];
    t.match(await flux.run(["exec", "-n", "-r", "1-3", ...extract]), { exitCode: 0, stderr: "" });
    const script = `cat ${disk}/join-command; stat -c %a ${disk}/join-command`;
    t.match(await on(2, "sh", "-c", script), { stdout: "kubeadm join\n600\n" });
    t.match(await on(1, ...extract), {
      exitCode: 1,
      stderr: /^flux-archive: join-command: write: Attempt to overwrite existing file\n/,
    });
    t.match(await on(1, ...extract, "--overwrite"), { exitCode: 0 });
  });

  t.test("an extract can wait for the archive", async (t) => {
    const wait = [
      "flux",
      "archive",
      "extract",
      "--waitcreate=10s",
      "--overwrite",
      "--name",
      "late",
    ];
    const waiting = on(3, ...wait, "-C", disk);
    t.match(await archive("create", "--name", "late", "-C", disk, "join-command"), { exitCode: 0 });
    t.match(await waiting, { exitCode: 0 });
  });

  t.test("a missing archive is reported", async (t) => {
    t.match(await flux.run(["archive", "extract", "--name", "nosuch", "-C", "/tmp"]), {
      exitCode: 1,
      stderr: "flux-archive: KVS lookup archive.nosuch: No such file or directory\n",
    });
    t.match(await flux.run(["archive", "create", "--name", "k", "-C", "/tmp/nosuchdir", "x"]), {
      exitCode: 1,
      stderr: "flux-archive: chdir /tmp/nosuchdir: No such file or directory\n",
    });
    t.match(await flux.run(["archive", "create", "--name", "k", "-C", "/tmp", "nosuchfile"]), {
      exitCode: 1,
      stderr: "flux-archive: nosuchfile: No such file or directory\n",
    });
  });

  t.test("an archive can be removed once", async (t) => {
    t.match(await flux.run(["archive", "remove", "--name", "j"]), { exitCode: 0 });
    t.match(await flux.run(["archive", "remove", "--name", "j"]), {
      exitCode: 1,
      stderr: "flux-archive: archive.j does not exist\n",
    });
    t.match(await flux.run(["archive", "remove", "-f", "--name", "j"]), { exitCode: 0 });
  });
  t.end();
});
