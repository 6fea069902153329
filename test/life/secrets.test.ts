/** A cluster's secrets exist only where they are needed, and only for as long as necessary. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { life, type Tap } from "./life.js";

const hex = (bytes: number) => randomBytes(bytes).toString("hex");

life(async (t, flux) => {
  /** Secrets of this test only. Other tests on this machine use those of the stand-in template. */
  const secrets = { token: `${hex(3)}.${hex(8)}`, hash: hex(32), key: hex(40) };
  for (const [name, secret] of Object.entries(secrets))
    writeFileSync(join(flux.place.testbed, name), secret);
  // No secret becomes a process's argument here, because printf and echo are shell builtins.
  const template = flux.template(`played || exit
token=$(cat "$TESTBED/token") hash=$(cat "$TESTBED/hash") key=$(cat "$TESTBED/key")
case $target in
  join-command)
    { grep -v '^kubeadm' join-command
      printf 'kubeadm join %s:%s ' "$NODE_NAME" "$PORT_KUBE_APISERVER"
      printf -- '--token %s --discovery-token-ca-cert-hash sha256:%s\n' "$token" "$hash"; } >join.new
    mv join.new join-command
    cat join-command ;;
  kubeconfig)
    echo "    client-key-data: $key" >>kubeconfig
    cat kubeconfig ;;
  kubeadm-join)
    until [ -e "$TESTBED/go" ]; do sleep 0.05; done
    cat join-command
    echo "+ --token $token --discovery-token-ca-cert-hash sha256:$hash" ;;
esac
[ "$(cat "$TESTBED/fail" 2>/dev/null)" != "$target" ]`);
  const fails = (target: string) => {
    writeFileSync(join(flux.place.testbed, "fail"), target);
  };
  const temporary = join(flux.place.common, "tmp");
  mkdirSync(temporary);
  flux.place.env["TMPDIR"] = temporary;
  flux.logLevel = "trace";

  const hasSecret = (text: string) =>
    Object.values(secrets).some((secret) => text.includes(secret));
  /** All texts about a job that people and programs can read. */
  const reported = async (job: string): Promise<Record<string, string>> => ({
    log: flux.daemonLog,
    dmesg: await flux.output("flux", "dmesg"),
    record: JSON.stringify(await flux.record(job)),
    eventlog: JSON.stringify(await flux.events(job)),
    entries: (await flux.flux("kvs", "dir", "-R", "-w", "0", "usernetes")).stdout,
    output: (await flux.flux("job", "attach", job)).stderr,
  });
  const noSecretLogged = async (t: Tap, job: string) => {
    for (const [where, text] of Object.entries(await reported(job))) {
      t.notOk(hasSecret(text), `no secret in the ${where}`);
      if (["log", "dmesg", "record", "eventlog"].includes(where)) t.not(text, "", where);
    }
  };
  const archives = async () => (await flux.flux("kvs", "ls", "-1", "archive")).stdout.trim();
  /** `mode path` of each file on any node with the token in it, and of the directories above it. */
  const filesWithToken = async (): Promise<string[]> => {
    const script = `grep -rlFf "$1" "$2" 2>/dev/null | while read -r file; do
directory=\${file%/*}; stat -c '%a %n' "$file"; while [ "$directory" != "$2" ]; do
stat -c '%a %n/' "$directory"; directory=\${directory%/*}; done; done`;
    const pattern = join(flux.place.testbed, "token");
    const { stdout } = await flux.flux("exec", "sh", "-c", script, "sh", pattern, flux.place.base);
    return stdout.split("\n").filter(Boolean);
  };

  await t.test("no secret is found while workers join, or afterwards", async (t) => {
    await flux.startDaemon("--config", flux.table("", { template }));
    // kubeadm-join waits for this file, so the nodes have the token until the test writes it.
    const go = join(flux.place.testbed, "go");
    const sampling = sampleArguments(hasSecret);
    const job = await flux.submit("-N3", "sleep", "300");
    await flux.waitForStep(job, "kubeadm-join");
    t.not(await archives(), "", "the archive is there");
    const found = await filesWithToken();
    t.ok(
      found.some((line) => line.endsWith("/join-command")),
      found.join("\n"),
    );
    for (const line of found)
      t.match(line, /^(600 .*[^/]|700 .*(\/|\/join-command))$/, "only the owner reads");
    writeFileSync(go, "");
    await flux.waitFor(job, "start");
    t.same(await filesWithToken(), [], "none is left of the token");
    t.equal(await archives(), "", "nor of the archive");
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
    t.same(await sampling(), [], "no process had one in its arguments");
    t.same(readdirSync(temporary), [], "the daemon's temporary directory is empty");
    await noSecretLogged(t as unknown as Tap, job);
    t.same(await flux.leftovers(), []);
  });

  for (const [target, note] of [
    [
      "kubeadm-join",
      /^kubeadm-join failed on node1 .*: \+ --token \[token\] --discovery-token-ca-cert-hash sha256:\[hash\]$/,
    ],
    ["kubeconfig", /^kubeconfig failed on node0 .*: client-key-data: \[data\]$/],
    ["join-command", /^join-command failed on node0 .*: kubeadm join .* sha256:\[hash\]$/],
  ] as const)
    await t.test(
      `no secret is found after a ${target} that fails permanently and prints secrets`,
      async (t) => {
        fails(target);
        const job = await flux.submit("-N2", "true");
        await flux.waitForEnd(job);
        fails("nothing");
        const settle = (await flux.record(job)).find(({ name }) => name === "settle");
        t.match(settle?.context, { outcome: "failed", note });
        await noSecretLogged(t as unknown as Tap, job);
        t.same(await flux.leftovers(), [], "the archive is gone too");
        t.same(readdirSync(temporary), []);
      },
    );

  await t.test("no secret is found after a cancel while workers join", async (t) => {
    flux.takes("kubeadm-join", 30);
    const job = await flux.submit("-N2", "true");
    await flux.waitForStep(job, "kubeadm-join");
    await flux.flux("cancel", job);
    await flux.waitForEnd(job);
    await noSecretLogged(t as unknown as Tap, job);
    t.same(await flux.leftovers(), []);
  });

  await t.test(
    "no secret is found after a kill of the daemon while the archive exists",
    async (t) => {
      const job = await flux.submit("-N2", "true");
      await flux.waitForStep(job, "kubeadm-join");
      await flux.stopDaemon("SIGKILL");
      t.not(await archives(), "", "the archive is there");
      await flux.flux("cancel", job);
      await flux.startDaemon("--config", flux.table("", { template }));
      await flux.waitForEnd(job);
      await noSecretLogged(t as unknown as Tap, job);
      t.same(await flux.leftovers(), []);
      t.same(readdirSync(temporary), []);
      flux.takes("kubeadm-join", 0.1);
    },
  );
});

/**
 * Samples the arguments of all processes. The returned function ends this, and resolves to the
 * command lines that had a secret in them.
 */
function sampleArguments(hasSecret: (text: string) => boolean): () => Promise<string[]> {
  const found = new Set<string>();
  const state = { over: false };
  const sampling = (async () => {
    while (!state.over) {
      for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
        const text = cmdline(pid);
        if (hasSecret(text)) found.add(text);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return async () => {
    state.over = true;
    await sampling;
    return [...found];
  };
}

function cmdline(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
