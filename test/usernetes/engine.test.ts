/** The commands and names of each container engine. */
import t from "tap";
import { composeCommand, engine, ENGINES, isEngine } from "../../lib/usernetes/engine.js";

t.test("each engine has its compose command with the project", (t) => {
  t.equal(composeCommand("docker", "usernetes-x"), "docker compose -p usernetes-x");
  t.equal(composeCommand("podman", "usernetes-x"), "podman-compose -p usernetes-x");
  t.equal(composeCommand("nerdctl", "usernetes-x"), "nerdctl compose -p usernetes-x");
  t.end();
});

t.test("an engine is docker, podman or nerdctl", (t) => {
  t.strictSame(
    ENGINES.map(engine).map(({ name }) => name),
    ["docker", "podman", "nerdctl"],
  );
  t.ok(isEngine("podman"));
  for (const name of ["Docker", "", "containerd", "toString", "constructor"])
    t.notOk(isEngine(name));
  t.end();
});
