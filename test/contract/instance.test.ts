/** Tests of the commands that query the instance itself. */
import { contract } from "./contract.js";
import { output } from "./flux-under-test.js";

contract((t, flux) => {
  t.test("the configuration is printed as JSON, or reported as not set", async (t) => {
    t.same(JSON.parse(await output(flux, "config", "get", "usernetes")), {
      template: "/opt/usernetes",
      ports: "20000-29999",
      attempts: { up: 2 },
    });
    t.equal(await output(flux, "config", "get", "usernetes.template"), "/opt/usernetes");
    t.match(await flux.run(["config", "get", "nosuchtable"]), {
      exitCode: 1,
      stderr: "flux-config: nosuchtable is not set\n",
    });
    t.match(await flux.run(["config", "reload"]), { exitCode: 0, stdout: "", stderr: "" });
  });

  t.test("attributes describe the instance", async (t) => {
    t.equal(await output(flux, "getattr", "rank"), "0");
    t.equal(await output(flux, "getattr", "size"), "4");
    t.equal(await output(flux, "getattr", "hostlist"), "node[0-3]");
    t.equal(await output(flux, "getattr", "instance-level"), "0");
    t.equal(await output(flux, "getattr", "security.owner"), String(process.getuid?.()));
    t.match(await output(flux, "getattr", "local-uri"), /^local:\/\/.*local-0$/);
    for (const name of ["jobid", "parent-uri", "nosuch"])
      t.match(await flux.run(["getattr", name]), {
        exitCode: 1,
        stderr: `flux-getattr: ${name}: No such file or directory\n`,
      });
    t.equal(await output(flux, "hostlist", "local"), "node[0-3]");
    t.equal(await output(flux, "hostlist", "-e", "local"), "node0 node1 node2 node3");
    t.equal(await output(flux, "hostlist", "-x", "node0", "local"), "node[1-3]");
    t.equal(await output(flux, "hostlist", "-x", "node[1-2]", "--count", "local"), "2");
    t.equal(await output(flux, "hostlist", "-n", "0", "local"), "node0");
  });

  t.test("a missing service does not answer", async (t) => {
    t.match(await flux.run(["ping", "--count=1", "usernetes"]), {
      exitCode: 1,
      stdout: "flux-ping any!usernetes\n",
      stderr: "flux-ping: usernetes.ping: Function not implemented\n",
    });
  });

  t.test("job IDs are converted", async (t) => {
    const id = (...argv: string[]) => output(flux, "job", "id", ...argv);
    t.equal(await id("ƒRzvtcF"), "16408117248");
    t.equal(await id("--to=f58", "fRzvtcF"), "ƒRzvtcF");
    t.equal(await id("--to=hex", "16408117248"), "0x3d2000000");
    t.equal(await id("--to=dothex", "0x3d2000000"), "0000.0003.d200.0000");
    t.equal(await id("--to=kvs", "0000.0003.d200.0000"), "job.0000.0003.d200.0000");
    t.equal(await id("--to=dec", "job.0000.0003.d200.0000"), "16408117248");
    t.equal((await flux.run(["job", "id", "--to=dec"], "ƒRzvtcF\n")).stdout, "16408117248\n");
    t.match(await flux.run(["job", "id", "--to=kvs", "nonsense"]), {
      exitCode: 1,
      stderr: "flux-job: nonsense: malformed input\n",
    });
  });

  t.test("nodes are drained and undrained", async (t) => {
    await output(flux, "resource", "drain", "1", "left", "behind");
    t.match(await output(flux, "resource", "drain"), /drained +left behind +node1$/);
    t.match(await output(flux, "resource", "list"), / free +3 +6 +0 node\[0,2-3\]\n/);
    await output(flux, "resource", "undrain", "1");
    t.match(await output(flux, "resource", "list"), / free +4 +8 +0 node\[0-3\]\n/);
    t.match(await flux.run(["resource", "undrain", "1"]), {
      exitCode: 1,
      stderr: "flux-resource: ERROR: rank 1 not drained\n",
    });
    t.match(await flux.run(["resource", "drain", "9", "x"]), { exitCode: 1 });
  });

  t.test("log lines have a name and a severity", async (t) => {
    await output(flux, "logger", "--severity=err", "--appname=usernetes", "hello there");
    const stamp =
      /[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z usernetes\.err\[0\]: hello there$/;
    t.match(await output(flux, "dmesg"), stamp);
  });
  t.end();
});
