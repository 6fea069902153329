/**
 * docs/troubleshooting.md: the programs print each message in it. The test fails if a message is
 * reworded in a program and not in the document.
 */
import t from "tap";
import { messages } from "../text/messages.js";
import { codeBlocks, readDocument } from "./documents.js";

/** Messages of other programs. */
const FOREIGN = [/^Error: crun: /, /^coredns: /];

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The place of a value in a message of the source: `{name}`, `$name` or `${name}`. */
const PLACEHOLDER = /\$?\{[^}]*\}+|\$\w+/;

/** Matches a line that has the texts between the values in this order. */
const inOrder = (parts: string[]): RegExp =>
  new RegExp(
    parts
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .map(escaped)
      .join(".*"),
    "s",
  );

/** Whether the line contains the message's fixed text, or the message that of the line. */
function isOf(line: string, text: string): boolean {
  const fixed = text.split(PLACEHOLDER);
  if (fixed.join("").replace(/\W/g, "").length < 12) return false;
  return inOrder(fixed).test(line) || inOrder(line.split("...")).test(text);
}

t.test("a message is found whatever its values are, but not after a change", (t) => {
  const text = "{step} on {host}: timed out after {time}, waiting for $name";
  t.ok(isOf("up on node1: timed out after 3 s, waiting for x", text));
  t.ok(isOf("timed out after ..., waiting for ...", text));
  t.notOk(isOf("up on node1: took longer than 3 s", text));
  t.end();
});

t.test("a program prints every message in the document", (t) => {
  const texts = messages().map(({ text }) => text);
  const lines = codeBlocks(readDocument("docs/troubleshooting.md")).flatMap((it) => it.split("\n"));
  t.ok(lines.length > 30, `${lines.length} messages`);
  for (const line of lines.filter((it) => it !== "" && !FOREIGN.some((each) => each.test(it))))
    t.ok(
      texts.some((text) => isOf(line, text)),
      line,
    );
  t.end();
});
