/** Notes are one bounded line without secrets. */
import t from "tap";
import { oneLine, plainLine } from "../../lib/record/notes.js";
import { JOIN_COMMAND, TOKEN } from "../fakes/playing-run.js";

t.test("a single line stays unchanged", (t) => {
  t.equal(
    oneLine("up failed on node1:  exit 2 ƒ 日本 😀"),
    "up failed on node1:  exit 2 ƒ 日本 😀",
  );
  t.end();
});

t.test("several lines become one", (t) => {
  t.equal(oneLine("one\ntwo\r\n\r\nthree\u2028four\u0085five\n"), "one two three four five");
  t.end();
});

t.test("a note has no control sequences for a terminal", (t) => {
  t.equal(oneLine("\u001b[31;1mred\u001b[0m\u0007 \u009b2Jx\0y"), "red   2Jx y");
  t.equal(plainLine("\t[ERROR CRI]: x"), " [ERROR CRI]: x", "a tab and a bracket are no colour");
  t.equal(oneLine("txt.\u202egnp"), "txt.gnp", "nor does it turn");
  t.end();
});

t.test("a note has a limited length, and no character is cut in two", (t) => {
  t.equal(oneLine("x".repeat(1 << 20)).length, 300);
  const line = oneLine(`${"x".repeat(299)}😀`);
  t.equal(line, "x".repeat(299));
  t.equal(oneLine("a\ud800b"), "a b", "half a character that was there is gone");
  t.equal(oneLine("123456", 4), "1234");
  t.end();
});

t.test("a note has no secret, not even half of one at its end", (t) => {
  t.equal(
    oneLine(`+ ${JOIN_COMMAND}`),
    "+ kubeadm join 10.0.0.1:20003 --token [token] --discovery-token-ca-cert-hash sha256:[hash]",
  );
  t.equal(oneLine("abcd\u200bef.0123456789abcdef"), "[token]", "nor one that is hidden");
  t.notMatch(oneLine(`${"x".repeat(290)} ${TOKEN}`), TOKEN.slice(0, 8));
  t.equal(oneLine(`    client-key-data: ${"Zm9v".repeat(30)}\n`), "client-key-data: [data]");
  t.equal(oneLine(`{"client-key-data":"${"Zm9v".repeat(30)}"}`), '{"client-key-data":"[data]"}');
  t.end();
});

t.test("a line of output keeps its indentation, but no control characters", (t) => {
  t.equal(plainLine(`  - a: ${TOKEN} \u001b[1mb\t `), "  - a: [token] b");
  const cut = `${"x ".repeat(1990)}--token ${TOKEN} and more`;
  t.equal(plainLine(cut.slice(0, 4001), 2000).length, 2000);
  t.notMatch(
    plainLine(`${"sha256:".padEnd(1)}${"0a".repeat(40)} ${TOKEN.slice(0, 12)}`, 30),
    "0a0a",
  );
  t.end();
});

t.test("half a secret at the end of a cut line is removed", (t) => {
  // The masks are shorter than the secrets, so the end of the line is not cut off.
  const line = `${TOKEN} `.repeat(200).slice(0, 4001 + 12);
  const reported = plainLine(line, 2000);
  t.notMatch(reported, /[a-z0-9]{6}\.[a-z0-9]/);
  t.end();
});
