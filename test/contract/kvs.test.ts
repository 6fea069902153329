/** Tests of the KVS and the event logs in it, which hold the record of a cluster. */
import { contract } from "./contract.js";
import { eventsUntil, output } from "./flux-under-test.js";

contract((t, flux) => {
  t.test("keys and directories are read, and missing ones are reported", async (t) => {
    await output(flux, "kvs", "put", "c.a=1", "c.b.d=hello", 'c.e={"x":1}');
    t.equal(await output(flux, "kvs", "get", "c.a", "c.b.d", "c.e"), '1\nhello\n{"x":1}');
    t.equal(await output(flux, "kvs", "dir", "c"), 'c.a = 1\nc.b.\nc.e = {"x":1}');
    t.equal(await output(flux, "kvs", "ls", "-1", "c"), "a\nb\ne");
    t.match(await flux.run(["kvs", "get", "c.b"]), { stderr: "flux-kvs: c.b: Is a directory\n" });
    t.match(await flux.run(["kvs", "dir", "c.a"]), { stderr: "flux-kvs: c.a: Not a directory\n" });
    for (const verb of ["get", "dir"])
      t.match(await flux.run(["kvs", verb, "nosuch.x"]), {
        exitCode: 1,
        stderr: "flux-kvs: nosuch.x: No such file or directory\n",
      });
    t.match(await flux.run(["kvs", "unlink", "c"]), {
      exitCode: 1,
      stderr: "flux-kvs: cannot unlink 'c': Directory not empty\n",
    });
    await output(flux, "kvs", "unlink", "-R", "c");
    t.match(await flux.run(["kvs", "unlink", "c"]), {
      exitCode: 1,
      stderr: "flux-kvs: cannot unlink 'c': No such file or directory\n",
    });
  });

  t.test("the tasks of a job have their own namespace and may wait in it", async (t) => {
    const script = `case $FLUX_TASK_RANK in
      0) sleep 0.2; flux kvs put ns.x=7 ;;
      *) echo "$FLUX_KVS_NAMESPACE $(flux kvs get --watch --waitcreate --count=1 ns.x)" ;;
      esac`;
    const job = await output(flux, "submit", "-N2", "-n2", "sh", "-c", script);
    const id = await output(flux, "job", "id", "--to=dec", job);
    t.equal(await output(flux, "job", "attach", job), `job-${id} 7`);
    t.equal((await flux.run(["kvs", "get", "ns.x"])).exitCode, 1, "it is not in the primary one");
    const inside = ["sh", "-c", 'echo "[$FLUX_KVS_NAMESPACE]"'];
    t.match(await output(flux, "run", ...inside), /^\[job-[0-9]+\]$/, "each job has its own");
  });

  t.test("a value that is longer than a pipe's buffer arrives complete", async (t) => {
    const long = "0123456789".repeat(20_000);
    await flux.run(["kvs", "put", "--raw", "long=-"], long);
    const { stdout } = await flux.run(["kvs", "get", "--raw", ...Array<string>(20).fill("long")]);
    t.equal(stdout.length, 20 * long.length);
  });

  t.test("a record is kept in the job's directory, also after its end", async (t) => {
    const job = await output(flux, "submit", "true");
    await eventsUntil(flux, job, "clean");
    const key = `${await output(flux, "job", "id", "--to=kvs", job)}.usernetes.eventlog`;
    const missing = ["job", "wait-event", "-t", "1", "-p", "usernetes.eventlog", job, "settle"];
    t.match(await flux.run(missing), {
      exitCode: 1,
      stderr: "flux-job: eventlog path usernetes.eventlog not found\n",
    });
    const waiting = flux.run([
      ...missing.slice(0, 2),
      "--waitcreate",
      "-t",
      "10",
      ...missing.slice(4),
    ]);
    await output(flux, "kvs", "eventlog", "append", key, "claim", '{"ranks":"0-1"}');
    await output(flux, "kvs", "eventlog", "append", key, "settle", '{"outcome":"ready"}');
    t.match(await waiting, { exitCode: 0, stdout: /^[0-9.]+ settle outcome="ready"\n$/ });
    await output(flux, "kvs", "eventlog", "append", key, "down");
    t.match(await flux.run(["kvs", "eventlog", "append", key, "bad", "notjson"]), {
      exitCode: 1,
      stderr: "flux-kvs: eventlog_entry_create: Invalid argument\n",
    });
    const text = await output(flux, "job", "info", job, "usernetes.eventlog");
    t.match(text.split("\n"), [
      /^\{"timestamp":[0-9.]+,"name":"claim","context":\{"ranks":"0-1"\}\}$/,
      /^\{"timestamp":[0-9.]+,"name":"settle","context":\{"outcome":"ready"\}\}$/,
      /^\{"timestamp":[0-9.]+,"name":"down"\}$/,
    ]);
    const log = await output(flux, "job", "eventlog", "-p", "usernetes.eventlog", job);
    t.match(log.split("\n"), [/^[0-9.]+ claim ranks="0-1"$/, / settle outcome="ready"$/, / down$/]);
    t.match(
      await flux.run(["job", "wait-event", "-t", "0.2", "-p", "usernetes.eventlog", job, "x"]),
      {
        exitCode: 1,
        stderr: "flux-job: wait-event timeout on event 'x'\n",
      },
    );
    t.match(await flux.run(["job", "info", job, "nosuch.eventlog"]), {
      exitCode: 1,
      stderr: "flux-job: nosuch.eventlog: key not found\n",
    });
  });

  t.test("wait-event prints the event, or all events up to it", async (t) => {
    const job = await output(flux, "submit", "true");
    const json = await output(flux, "job", "wait-event", "-t", "10", "-f", "json", job, "finish");
    t.match(JSON.parse(json), { name: "finish", context: { status: 0 } });
    const all = await output(flux, "job", "wait-event", "-t", "10", "-v", job, "depend");
    t.match(all.split("\n"), [
      / submit userid=[0-9]+ urgency=16 flags=0 version=1$/,
      / validate$/,
      / depend$/,
    ]);
    t.equal(await output(flux, "job", "wait-event", "-q", job, "clean"), "");
  });
  t.end();
});
