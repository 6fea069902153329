/** The key `environment`: names, values and placeholders. */
import t from "tap";
import { environmentFault, ofCluster, withoutCluster } from "../../lib/config/site-environment.js";

t.test("variables that a site may set are accepted", (t) => {
  for (const environment of [
    {},
    { PATH: "/opt/podman/bin:/usr/bin", HTTPS_PROXY: "http://proxy:3128", A_1: "" },
    { XDG_RUNTIME_DIR: "/tmp/{user}-{uid}/run", TMPDIR: "{home}/tmp", STORE: "{host}/{jobid}" },
    { TMPDIR: "{workdir}/tmp", BYPASS4NETNS_IGNORE_SUBNETS: '["10.0.0.0/8"]' },
    { JSON: '{{"a": "{user}"}}', SHELL_LIKE: "$(id) `id` ; ' \"" },
    { PORT_CALICO: "5473", CONTAINER_ENGINE_TYPE: "podman", LD_LIBRARY_PATH: "/opt/lib" },
  ])
    t.equal(environmentFault(environment), undefined, JSON.stringify(environment));
  t.end();
});

t.test("one line names what is wrong, where, and what is allowed", (t) => {
  const allowed =
    "allowed: {user}, {uid}, {home}, {host}, {jobid}, {workdir}, and {{ and }} for braces";
  for (const [environment, expected] of [
    [
      { A: "/tmp/{users}" },
      `.A: found "/tmp/{users}", in which {users} is not a placeholder; ${allowed}`,
    ],
    [{ A: "{ user }" }, `.A: found "{ user }", in which { user } is not a placeholder; ${allowed}`],
    [{ A: "{}" }, `.A: found "{}", in which {} is not a placeholder; ${allowed}`],
    [{ A: "a{b" }, `.A: found "a{b", in which { is not a placeholder; ${allowed}`],
    [{ A: "a}}}" }, `.A: found "a}}}", in which } is not a placeholder; ${allowed}`],
    [
      { TMPDIR: "tmp" },
      '.TMPDIR: found "tmp", allowed: an absolute path, which may begin with {home} or {workdir}',
    ],
    [
      { XDG_RUNTIME_DIR: "" },
      '.XDG_RUNTIME_DIR: found "", allowed: an absolute path, which may begin with {home} or {workdir}',
    ],
    [{ "1A": "" }, ': found the name "1A", allowed: letters, digits and "_", and no digit first'],
    [{ "A=B": "" }, ': found the name "A=B", allowed: letters, digits and "_", and no digit first'],
    [
      { PORT_ETCD: "1" },
      ".PORT_ETCD: cannot be set here: each cluster has ports of its own; set usernetes.ports",
    ],
    [
      { U7S_HOST_IP: "1" },
      ".U7S_HOST_IP: cannot be set here: each node finds its own address; set usernetes.interface",
    ],
    [
      { COMPOSE: "x" },
      ".COMPOSE: cannot be set here: each cluster has a compose project of its own",
    ],
    [{ KUBECONFIG: "x" }, ".KUBECONFIG: cannot be set here: each cluster has its own"],
    [
      { LC_ALL: "de_DE" },
      ".LC_ALL: cannot be set here: output of programs is read in the locale C.UTF-8",
    ],
    [
      { USERNETES_WORKDIR: "x" },
      ".USERNETES_WORKDIR: cannot be set here: flux-usernetes sets these itself",
    ],
    [{ FLUX_URI: "x" }, ".FLUX_URI: cannot be set here: Flux sets these itself"],
    [{ A: "x".repeat(5000) }, ".A: found 5000 bytes, allowed: 4096"],
  ] as const)
    t.equal(environmentFault(environment), expected);
  for (const value of [1, true, "a\nb", "a\0b", {}, null])
    t.match(environmentFault({ A: value }), /^\.A: found .*, allowed: text without control/);
  const many = Object.fromEntries(
    ["A", "B", "C", "D", "E"].map((name) => [name, "x".repeat(4000)]),
  );
  const base = `/${"é".repeat(200)}`;
  // The value has 40 times the work directory, whose name with a job ID in F58 has 23 bytes.
  t.match(
    environmentFault({ A: "{workdir}".repeat(40) }, { base }),
    /^: found 1[67][0-9]{3} bytes with \{jobid\} and \{workdir\} replaced, allowed: 16384 in all$/,
  );
  t.equal(environmentFault({ A: "{workdir}".repeat(30) }, { base }), undefined);
  t.equal(
    environmentFault(many),
    ": found 20010 bytes with {jobid} and {workdir} replaced, allowed: 16384 in all",
  );
  t.end();
});

t.test("the daemon replaces the cluster's placeholders and leaves the node's to the node", (t) => {
  const found = ofCluster(
    { A: "{workdir}/{user}-{jobid}", B: "{{jobid}} {{{jobid}}}", C: "x" },
    { jobid: "7", workdir: "/tmp/a{b}" },
  );
  t.strictSame(found, { A: "/tmp/a{{b}}/{user}-7", B: "{{jobid}} {{7}}", C: "x" });
  t.end();
});

t.test("a variable that needs the cluster is omitted without one", (t) => {
  const all = { A: "{workdir}/x", B: "/tmp/{jobid}", C: "{user}", D: "{{jobid}}" };
  t.strictSame(withoutCluster(all), { C: "{user}", D: "{{jobid}}" });
  t.end();
});
