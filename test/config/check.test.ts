/** The table [usernetes] is checked against the schema, with one line for each fault. */
import t from "tap";
import { checkConfig } from "../../lib/config/check.js";
import { DEFAULT_OPTIONS } from "../../lib/config/template.js";
import { CommandError, EXIT } from "../../lib/errors.js";

const TEMPLATE = "/opt/usernetes";

function refusal(table: unknown): { status: number; message: string } | undefined {
  try {
    checkConfig(table, "usernetes.toml");
    return undefined;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { status: error.status, message: error.message };
  }
}

t.test("a table with only the template has the documented defaults", (t) => {
  t.strictSame(checkConfig({ template: TEMPLATE }, "test"), {
    template: TEMPLATE,
    options: DEFAULT_OPTIONS,
    templates: {},
    userTemplates: false,
    workdir: "/tmp",
    engine: "docker",
    engines: ["docker"],
    ports: { first: 20000, last: 29999 },
    subnets: { address: 0x0a640000, size: 1024 },
    interface: undefined,
    runAs: "owner",
    shared: "auto",
    hold: "events",
    bringUpTimeoutMs: 900_000,
    teardownTimeoutMs: 300_000,
    attempts: { up: 2, "kubeadm-init": 2, "kubeadm-join": 3 },
    joinFanout: 64,
    drain: true,
    undrain: true,
    extendTimeLimit: true,
    ready: "dns",
    scheduleOnLead: "auto",
    adjustments: [
      ...["kubernetes-version", "no-leader-election", "controller-rate"],
      ...["host-docker-internal", "one-sync", "parallel-sync", "signed-token", "ecdsa-keys"],
    ],
    metricsListen: undefined,
  });
  t.end();
});

t.test("every key of the table can be set", (t) => {
  t.strictSame(
    checkConfig(
      {
        template: "/srv/u7s/",
        workdir: "/scratch/",
        "container-engine": "podman",
        engines: ["docker", "podman"],
        ports: "default",
        subnets: "172.16.0.0/16",
        interface: "ib0.100",
        "run-as": "owner",
        "shared-filesystem": "no",
        hold: "events",
        "bring-up-timeout": "90s",
        "teardown-timeout": "2m",
        attempts: { up: 5 },
        "join-fanout": 1,
        adjustments: ["etcd-no-fsync"],
        make: { up: "up-built", network: "install-calico" },
        "port-variables": ["PORT_CALICO"],
        templates: { amd: { template: "/opt/amd/", make: {} } },
        "user-templates": true,
        environment: { TMPDIR: "/var/tmp/{user}", A: "{{}}" },
        images: "/srv/images/",
        hooks: { "before-up": ["/opt/up", "--fast"], "after-ready": ["kubectl", "get", "nodes"] },
        drain: false,
        undrain: false,
        "extend-time-limit": false,
        ready: "network",
        "schedule-on-lead": "no",
        "metrics-listen": "[::1]:9464",
      },
      "test",
    ),
    {
      template: "/srv/u7s",
      options: {
        ...DEFAULT_OPTIONS,
        make: { up: "up-built", network: "install-calico" },
        portVariables: ["PORT_CALICO"],
        environment: { TMPDIR: "/var/tmp/{user}", A: "{{}}" },
        images: "/srv/images",
        hooks: { "before-up": ["/opt/up", "--fast"], "after-ready": ["kubectl", "get", "nodes"] },
      },
      templates: {
        amd: {
          template: "/opt/amd",
          options: {
            make: DEFAULT_OPTIONS.make,
            portVariables: ["PORT_CALICO"],
            environment: { TMPDIR: "/var/tmp/{user}", A: "{{}}" },
            images: "/srv/images",
            hooks: {
              "before-up": ["/opt/up", "--fast"],
              "after-ready": ["kubectl", "get", "nodes"],
            },
          },
        },
      },
      userTemplates: true,
      workdir: "/scratch",
      engine: "podman",
      engines: ["docker", "podman"],
      ports: "default",
      subnets: { address: 0xac100000, size: 256 },
      interface: "ib0.100",
      runAs: "owner",
      shared: "no",
      hold: "events",
      bringUpTimeoutMs: 90_000,
      teardownTimeoutMs: 120_000,
      attempts: { up: 5, "kubeadm-init": 2, "kubeadm-join": 3 },
      joinFanout: 1,
      drain: false,
      undrain: false,
      extendTimeLimit: false,
      ready: "network",
      scheduleOnLead: "no",
      adjustments: ["etcd-no-fsync"],
      metricsListen: { host: "::1", port: 9464 },
    },
  );
  t.end();
});

t.test("an unset target is usernetes' own, and the network may have none", (t) => {
  const make = (found: unknown) =>
    checkConfig({ template: TEMPLATE, make: found }, "t").options.make;
  t.strictSame(make({}), { up: "up", network: "install-flannel" });
  t.strictSame(make({ network: "" }), { up: "up", network: "" });
  t.strictSame(make({ up: "up-built" }), { up: "up-built", network: "install-flannel" });
  t.end();
});

t.test("a job gets the configured engine and may ask for the others", (t) => {
  t.strictSame(checkConfig({ template: TEMPLATE, "container-engine": "nerdctl" }, "t").engines, [
    "nerdctl",
  ]);
  t.end();
});

t.test("the check does not change the table", (t) => {
  const table = { template: TEMPLATE, attempts: {} };
  checkConfig(table, "test");
  t.strictSame(table, { template: TEMPLATE, attempts: {} });
  t.end();
});

const PATH =
  'an absolute path of 1024 bytes or less, without ":" and without the parts "." and "..", like "/opt/usernetes"';
const PORTS = 'a range of four ports or more, like "20000-29999", or "default"';
const POOL = 'a network of /24 or larger, like "10.100.0.0/14"';
const INTERFACE = 'the name of a network interface, like "eth0"';
const FSD = 'a finite duration (RFC 23) above 0, like "90s" or "15m"';
const LISTEN = 'an address and a port, like "127.0.0.1:9464", "[::1]:9464" or "9464"';
const TARGET =
  'the name of a make target, of letters, digits and "_", ".", "/", "-", like "up-built';
const NETWORK =
  'the name of a make target, of letters, digits and "_", ".", "/", "-", like "install-calico", or "" for none';
const VARIABLE =
  'the name of a variable that the steps do not set themselves, of capital letters, digits and "_", like "PORT_CALICO"';
const KEYS =
  "template, workdir, container-engine, engines, ports, subnets, interface, run-as, shared-filesystem, hold, bring-up-timeout, teardown-timeout, attempts, join-fanout, drain, undrain, extend-time-limit, ready, schedule-on-lead, adjustments, make, port-variables, environment, images, hooks, templates, user-templates, metrics-listen";

const HOOK =
  'a list of a program and its arguments, like ["/opt/site/up", "--fast"]; the program is an absolute path, a path in the template, or a name on the PATH';

const REFUSED: [string, Record<string, unknown>, string][] = [
  [
    "a relative template",
    { template: "usernetes" },
    `template: found "usernetes", allowed: ${PATH}`,
  ],
  ["no path", { template: "" }, `template: found "", allowed: ${PATH}`],
  [
    "a template with .. in it",
    { template: "/a/../b" },
    `template: found "/a/../b", allowed: ${PATH}`,
  ],
  ["a template that is a number", { template: 3 }, `template: found 3, allowed: ${PATH}`],
  ["a workdir with a colon", { workdir: "/a:b" }, `workdir: found "/a:b", allowed: ${PATH}`],
  ["a workdir of two lines", { workdir: "/a\n/b" }, `workdir: found "/a\\n/b", allowed: ${PATH}`],
  [
    "an unknown engine",
    { "container-engine": "rkt" },
    'container-engine: found "rkt", allowed: docker, podman, nerdctl',
  ],
  [
    "engines that are not a list",
    { engines: "docker" },
    'engines: found "docker", allowed: a value of type array',
  ],
  [
    "an engine of the list",
    { engines: ["docker", "rkt"] },
    'engines.1: found "rkt", allowed: docker, podman, nerdctl',
  ],
  [
    "engines without the one that is set",
    { engines: ["podman"] },
    'engines: found ["podman"], allowed: a list with usernetes.container-engine ("docker")',
  ],
  ["three ports", { ports: "1-3" }, `ports: found "1-3", allowed: ${PORTS}`],
  ["one port", { ports: 6443 }, `ports: found 6443, allowed: ${PORTS}`],
  [
    "a pool that is too small",
    { subnets: "10.0.0.0/25" },
    `subnets: found "10.0.0.0/25", allowed: ${POOL}`,
  ],
  [
    "a pool off its boundary",
    { subnets: "10.1.0.0/8" },
    `subnets: found "10.1.0.0/8", allowed: ${POOL}`,
  ],
  [
    "an interface with a space",
    { interface: "eth 0" },
    `interface: found "eth 0", allowed: ${INTERFACE}`,
  ],
  ["no interface's name", { interface: "" }, `interface: found "", allowed: ${INTERFACE}`],
  ["an unknown run-as", { "run-as": "root" }, 'run-as: found "root", allowed: owner, sudo'],
  [
    "an unknown shared-filesystem",
    { "shared-filesystem": true },
    "shared-filesystem: found true, allowed: auto, yes, no",
  ],
  [
    "a port alone that is a number",
    { "metrics-listen": 9464 },
    `metrics-listen: found 9464, allowed: ${LISTEN}`,
  ],
  ["an invalid port", { "metrics-listen": ":0" }, `metrics-listen: found ":0", allowed: ${LISTEN}`],
  [
    "a ready that does not exist",
    { ready: "pods" },
    'ready: found "pods", allowed: nodes, network, dns',
  ],
  ["an unknown hold", { hold: "no" }, 'hold: found "no", allowed: events, perilog'],
  [
    "a time without end",
    { "bring-up-timeout": "infinity" },
    `bring-up-timeout: found "infinity", allowed: ${FSD}`,
  ],
  ["no time", { "bring-up-timeout": "0s" }, `bring-up-timeout: found "0s", allowed: ${FSD}`],
  [
    "a time that is a number",
    { "teardown-timeout": 300 },
    `teardown-timeout: found 300, allowed: ${FSD}`,
  ],
  [
    "an adjustment that is not known",
    { adjustments: ["one-sync", "fast"] },
    'adjustments.1: found "fast", allowed: kubernetes-version, no-leader-election, controller-rate, host-docker-internal, one-sync, parallel-sync, signed-token, ecdsa-keys, etcd-no-fsync',
  ],
  [
    "a target that is an option",
    { make: { up: "-n" } },
    `make.up: found "-n", allowed: ${TARGET}"`,
  ],
  [
    "a target that sets a variable",
    { make: { network: "A=b" } },
    `make.network: found "A=b", allowed: ${NETWORK}`,
  ],
  ["no target for up", { make: { up: "" } }, `make.up: found "", allowed: ${TARGET}"`],
  [
    "a target for another step",
    { make: { down: "x" } },
    "make.down: there is no such key; allowed: up, network",
  ],
  ...["PORT_ETCD", "port", "A B", "", "COMPOSE", "PATH", "U7S_PORT_ETCD", "LD_PRELOAD"].map(
    (name): [string, Record<string, unknown>, string] => [
      `a port variable ${name}`,
      { "port-variables": [name] },
      `port-variables.0: found "${name}", allowed: ${VARIABLE}`,
    ],
  ),
  [
    "a port variable twice",
    { "port-variables": ["PORT_A", "PORT_A"] },
    'port-variables: found ["PORT_A","PORT_A"], allowed: each once',
  ],
  [
    "a range with no port for a variable",
    { ports: "20000-20003", "port-variables": ["PORT_A"] },
    'ports: found "20000-20003", allowed: a range of 5 ports or more, usernetes\' own four and one for each of usernetes.port-variables',
  ],
  [
    "an environment that is not a table",
    { environment: ["A=b"] },
    'environment: found ["A=b"], allowed: names of variables with text as values; not those that flux-usernetes and Flux set',
  ],
  [
    "a variable that the daemon sets",
    { environment: { KUBECONFIG: "/x" } },
    "environment.KUBECONFIG: cannot be set here: each cluster has its own",
  ],
  [
    "a variable that is a port of each cluster",
    { environment: { PORT_CALICO: "5473" }, "port-variables": ["PORT_CALICO"] },
    "environment.PORT_CALICO: cannot be set here: it is one of usernetes.port-variables",
  ],
  [
    "a variable that is a port of each cluster of a template, and not set there",
    {
      environment: { PORT_CALICO: "5473" },
      templates: { calico: { template: "/opt/calico", "port-variables": ["PORT_CALICO"] } },
    },
    "templates.calico.environment.PORT_CALICO: cannot be set here: it is one of usernetes.port-variables",
  ],
  [
    "a variable that is a number",
    { environment: { A: 1 } },
    "environment.A: found 1, allowed: text without control characters, in which {user}, {uid}, {home}, {host}, {jobid}, {workdir} are replaced, and {{ and }} stand for braces",
  ],
  [
    "a placeholder that is not known",
    { environment: { TMPDIR: "/tmp/{name}" } },
    'environment.TMPDIR: found "/tmp/{name}", in which {name} is not a placeholder; allowed: {user}, {uid}, {home}, {host}, {jobid}, {workdir}, and {{ and }} for braces',
  ],
  [
    "a hook that is a shell's line",
    { hooks: { "before-up": "/opt/up --fast" } },
    `hooks.before-up: found "/opt/up --fast", allowed: ${HOOK}`,
  ],
  [
    "a hook without a program",
    { hooks: { "before-up": [] } },
    `hooks.before-up: found [], allowed: ${HOOK}`,
  ],
  [
    "a hook whose program is empty",
    { hooks: { "before-up": [""] } },
    `hooks.before-up.0: found "", allowed: ${HOOK}`,
  ],
  [
    "a hook whose program is an option",
    { hooks: { "after-ready": ["-x"] } },
    `hooks.after-ready.0: found "-x", allowed: ${HOOK}`,
  ],
  [
    "a hook that leads out of the template",
    { hooks: { "after-ready": ["../x"] } },
    `hooks.after-ready.0: found "../x", allowed: ${HOOK}`,
  ],
  [
    "an argument with a line break",
    { hooks: { "before-down": ["/x", "a\nb"] } },
    'hooks.before-down.1: found "a\\nb", allowed: text without control characters',
  ],
  [
    "a hook at an unknown point",
    { hooks: { "after-up": ["/x"] } },
    "hooks.after-up: there is no such key; allowed: before-up, after-ready, before-down",
  ],
  [
    "a template's name with /",
    { templates: { "a/b": { template: "/x" } } },
    'templates: found the name "a/b", allowed: letters, digits and "_", ".", "-", and a letter or digit first',
  ],
  [
    "a named template that is not a table",
    { templates: { a: "/x" } },
    'templates.a: found "/x", allowed: a value of type object',
  ],
  [
    "a key that a named template does not have",
    { templates: { a: { template: "/x", ports: "default" } } },
    "templates.a.ports: there is no such key; allowed: template, make, port-variables, environment, images, hooks",
  ],
  [
    "a named template with an invalid hook",
    { templates: { a: { template: "/x", environment: { KUBECONFIG: "/x" } } } },
    "templates.a.environment.KUBECONFIG: cannot be set here: each cluster has its own",
  ],
  [
    "a range that is too small for a named template",
    { ports: "20000-20003", templates: { a: { template: "/x", "port-variables": ["PORT_A"] } } },
    'ports: found "20000-20003", allowed: a range of 5 ports or more, usernetes\' own four and one for each of usernetes.port-variables',
  ],
  [
    "user-templates that is text",
    { "user-templates": "yes" },
    'user-templates: found "yes", allowed: a value of type boolean',
  ],
  ["no tries", { attempts: { up: 0 } }, "attempts.up: found 0, allowed: >= 1"],
  [
    "half a try",
    { attempts: { up: 1.5 } },
    "attempts.up: found 1.5, allowed: a value of type integer",
  ],
  [
    "tries of another step",
    { attempts: { stage: 2 } },
    "attempts.stage: there is no such key; allowed: up, kubeadm-init, kubeadm-join",
  ],
  ["a join-fanout of 0", { "join-fanout": 0 }, "join-fanout: found 0, allowed: >= 1"],
  ["a join-fanout of 5000", { "join-fanout": 5000 }, "join-fanout: found 5000, allowed: <= 4096"],
  [
    "a string for a boolean",
    { drain: "yes" },
    'drain: found "yes", allowed: a value of type boolean',
  ],
  [
    "a number for a boolean",
    { "extend-time-limit": 1 },
    "extend-time-limit: found 1, allowed: a value of type boolean",
  ],
  ["an unknown key", { Template: "/x" }, `Template: there is no such key; allowed: ${KEYS}`],
];

for (const [what, table, message] of REFUSED)
  t.test(
    `a table with ${what} is refused with the key, what was found and what is allowed`,
    (t) => {
      t.strictSame(refusal({ template: TEMPLATE, ...table }), {
        status: 3,
        message: `usernetes.toml: usernetes.${message}`,
      });
      t.end();
    },
  );

t.test("an empty list of engines is refused", (t) => {
  const { status, message } = refusal({ template: TEMPLATE, engines: [] }) ?? {};
  t.equal(status, 3);
  t.match(message, /^usernetes\.toml: usernetes\.engines: found \[\], allowed: /);
  t.end();
});

t.test("a table without a template is refused", (t) => {
  t.strictSame(refusal({}), {
    status: EXIT.configuration,
    message:
      "usernetes.toml: usernetes.template: not set; set it to the usernetes clone that is on each node",
  });
  t.end();
});

t.test("a value that is not a table is refused", (t) => {
  for (const [found, shown] of [
    [[], "[]"],
    ["x", '"x"'],
    [null, "null"],
  ] as const)
    t.equal(
      refusal(found)?.message,
      `usernetes.toml: usernetes: found ${shown}, allowed: a value of type object`,
    );
  t.end();
});

t.test("a long value is shortened in the message", (t) => {
  const message = refusal({ template: "x".repeat(500) })?.message ?? "";
  t.equal(
    message,
    `usernetes.toml: usernetes.template: found "${"x".repeat(79)}..., allowed: ${PATH}`,
  );
  t.end();
});
