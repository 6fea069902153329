/** Tests of the values that --setattr puts into a jobspec, which the daemon has to parse. */
import { contract } from "./contract.js";
import { output } from "./flux-under-test.js";

const VALUES: [option: string, value: unknown][] = [
  ["user.usernetes", 1],
  ["user.usernetes=", ""],
  ["user.usernetes=yes", "yes"],
  ["attributes.user.usernetes=no", "no"],
  ["user.usernetes=true", true],
  ["user.usernetes=0", 0],
  ["user.usernetes=null", null],
  ['user.usernetes={"engine":"podman"}', { engine: "podman" }],
  ["user.usernetes.engine=podman", { engine: "podman" }],
  ["user.usernetes=[1,2]", [1, 2]],
  ["user.usernetes={bad", "{bad"],
];

contract((t, flux) => {
  for (const [option, value] of VALUES)
    t.test(`--setattr=${option} gives the documented value`, async (t) => {
      const job = await output(flux, "submit", "--urgency=hold", `--setattr=${option}`, "true");
      const jobspec = JSON.parse(await output(flux, "job", "info", job, "jobspec")) as {
        attributes: { user: Record<string, unknown> };
      };
      t.same(jobspec.attributes.user["usernetes"], value);
      await output(flux, "cancel", job);
    });

  t.test("a value and a key within it are refused together", async (t) => {
    const options = ["user.usernetes=yes", "user.usernetes.engine=podman"];
    const { exitCode, stderr } = await flux.run([
      "submit",
      ...options.map((option) => `--setattr=attributes.${option}`),
      "true",
    ]);
    t.equal(exitCode, 1);
    t.match(
      stderr,
      /failed to set attributes\.user\.usernetes\.engine to podman: 'str' object does not/,
    );
  });
  t.end();
});
