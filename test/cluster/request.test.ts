import t from "tap";
import { parseRequest } from "../../lib/cluster/request.js";

const plain = { engine: undefined, debug: false, tolerate: 0 };
const YES_OR_NO = "yes or no (also true, on, 1, false, off, 0)";

t.test("what asks for a cluster", (t) => {
  for (const usernetes of ["yes", "true", "on", "1", "YES", "True", "oN", true, 1, {}])
    t.strictSame(
      parseRequest({ usernetes }),
      { asks: true, request: plain },
      JSON.stringify(usernetes),
    );
  t.end();
});

t.test("what does not", (t) => {
  for (const usernetes of ["no", "false", "off", "0", "", "NO", "Off", false, 0, null])
    t.strictSame(parseRequest({ usernetes }), { asks: false }, JSON.stringify(usernetes));
  t.strictSame(parseRequest({}), { asks: false });
  t.end();
});

t.test("options without usernetes itself do nothing", (t) => {
  t.strictSame(parseRequest({ usernetes_debug: "perhaps", usernetes_engine: "rkt" }), {
    asks: false,
  });
  t.strictSame(parseRequest({ usernetes: "no", usernetes_debug: "perhaps" }), { asks: false });
  t.end();
});

t.test("options come one by one, or in an object; the single option wins", (t) => {
  t.strictSame(
    parseRequest({
      usernetes: "yes",
      usernetes_debug: "on",
      usernetes_engine: "podman",
      usernetes_tolerate: 2,
    }),
    { asks: true, request: { engine: "podman", debug: true, tolerate: 2 } },
  );
  t.strictSame(
    parseRequest({
      usernetes: { engine: "docker", debug: true, tolerate: "3" },
      usernetes_engine: "nerdctl",
      usernetes_debug: "no",
    }),
    { asks: true, request: { engine: "nerdctl", debug: false, tolerate: 3 } },
  );
  t.end();
});

const REFUSED: [Record<string, unknown>, string][] = [
  [
    { usernetes: "maybe" },
    `usernetes: found "maybe", allowed: ${YES_OR_NO}, or an object {"engine": ..., "debug": ...}`,
  ],
  [
    { usernetes: 2 },
    `usernetes: found 2, allowed: ${YES_OR_NO}, or an object {"engine": ..., "debug": ...}`,
  ],
  [
    { usernetes: ["yes"] },
    `usernetes: found ["yes"], allowed: ${YES_OR_NO}, or an object {"engine": ..., "debug": ...}`,
  ],
  [
    { usernetes: { engin: "docker" } },
    'usernetes.engin: found "docker", allowed: only engine, debug and tolerate',
  ],
  [
    { usernetes: "yes", usernetes_debug: "perhaps" },
    `usernetes_debug: found "perhaps", allowed: ${YES_OR_NO}`,
  ],
  [{ usernetes: { debug: [] } }, `usernetes_debug: found [], allowed: ${YES_OR_NO}`],
  [
    { usernetes: "yes", usernetes_engine: "rkt" },
    'usernetes_engine: found "rkt", allowed: docker, podman or nerdctl',
  ],
  [{ usernetes: { engine: 1 } }, "usernetes_engine: found 1, allowed: docker, podman or nerdctl"],
  ...[-1, 1.5, "two", "", {}, true].map((found): [Record<string, unknown>, string] => [
    { usernetes: "yes", usernetes_tolerate: found },
    `usernetes_tolerate: found ${JSON.stringify(found)}, allowed: a whole number of workers`,
  ]),
];

for (const [user, refused] of REFUSED)
  t.test(`${JSON.stringify(user)} is refused, with what is allowed`, (t) => {
    t.strictSame(parseRequest(user), { refused: `attributes.user.${refused}` });
    t.end();
  });

t.test("a refusal shows nothing that a terminal or a log would not like", (t) => {
  const parsed = parseRequest({ usernetes: `\u001b[31m${"ü".repeat(500)}` });
  const refused = "refused" in parsed ? parsed.refused : "";
  t.match(refused, /^[\x20-\x7e]+$/);
  t.ok(refused.length < 250);
  t.end();
});
