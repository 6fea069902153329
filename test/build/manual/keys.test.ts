/** The documents describe the configuration's keys as the schema does. */
import { readFileSync } from "node:fs";
import t from "tap";
import { packagePath } from "../../../lib/host/package.js";
import { keyBlocks, keys, type Key } from "../../../build/manual/keys.js";

const withInner = (each: Key): Key[] => [each, ...each.inner.flatMap(withInner)];

t.test("every key has a meaning and its allowed values", (t) => {
  t.ok(keys().length > 10);
  for (const { name, meaning, allowed, inner } of keys().flatMap(withInner)) {
    t.match(meaning, /\w/, `${name}: description, in lib/config/schema.ts`);
    t.ok(allowed ?? inner.length > 0, `${name}: what is allowed`);
  }
  t.end();
});

t.test("docs/admin/configure.md has the table of keys", (t) => {
  const [, after = ""] = readFileSync(packagePath("docs", "admin", "configure.md"), "utf8").split(
    "| key | default | meaning |\n| --- | --- | --- |\n",
  );
  const rows = after.split("\n\n")[0]?.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  const expected = keys().map(({ name, value, required, meaning }) => {
    const shown = required ? "(required)" : (value ?? "(unset)");
    return `| ${name} | ${shown} | ${meaning} |`;
  });
  t.strictSame(rows?.split("\n"), expected);
  t.end();
});

t.test(
  "the page has whether a key is required, its meaning, its allowed values and its default",
  (t) => {
    const text = (name: string) => {
      const block = keyBlocks().find((it) => it.kind === "item" && it.term === `\`${name}\``);
      const first = block?.kind === "item" ? block.body[0] : undefined;
      return first?.kind === "text" ? first.text : "";
    };
    t.match(
      text("template"),
      /^\(required\) The usernetes clone on each node\. Allowed: an absolute/,
    );
    t.match(text("drain"), /^\(optional\) .* Allowed: true or false\. \(Default: `true`\)$/);
    t.match(text("engines"), 'Allowed: a list of "docker", "podman" and "nerdctl".');
    t.match(text("attempts"), "(Default: `{ up = 2, kubeadm-init = 2, kubeadm-join = 3 }`)");
    t.match(text("attempts.up"), "Allowed: a whole number, 1 to 20. (Default: `2`)");
    t.end();
  },
);
