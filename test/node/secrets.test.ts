/** The agent masks secrets on the nodes, and the daemon masks them again: both mask the same. */
import { execa } from "execa";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { plainLine } from "../../lib/record/notes.js";
import { fc } from "../random.js";

const TOKEN = "abcdef.0123456789abcdef";
const HASH = `sha256:${"0a".repeat(32)}`;
const DATA = `client-key-data: ${"QUJD".repeat(9)}==`;

/** These lines as the agent masks them. */
async function maskOnNode(lines: string[]): Promise<string[]> {
  const program = `import json, masking, sys
print(json.dumps([masking.mask(line) for line in json.load(sys.stdin)]))`;
  const options = { cwd: packagePath("lib/node/agent"), input: JSON.stringify(lines) };
  const { stdout } = await execa("python3", ["-B", "-c", program], options);
  return JSON.parse(stdout) as string[];
}

t.test("tokens, hashes and a kubeconfig's data are hidden, whatever surrounds them", async (t) => {
  const secret = fc.constantFrom(TOKEN, HASH, DATA, DATA.replace("data", 'data"'));
  const torn = fc.constantFrom("abcdef.", "0123456789abcdef", "sha256:0a", "-data: ", "QUJD");
  const beside = fc.constantFrom(
    " ",
    ",",
    ";",
    ":",
    "=",
    "_",
    "-",
    ".",
    '"',
    "'",
    "|",
    "/",
    "(",
    "ƒ",
    "é",
    "ß",
    "a",
    "Z",
    "7",
    "٣",
    "\u212a",
  );
  const line = fc.array(fc.oneof(secret, torn, beside), { minLength: 1, maxLength: 7 });
  const lines = fc.sample(line, 3000).map((parts) => parts.join("").trim());
  const onNode = await maskOnNode(lines);
  const differ = lines.flatMap((text, index) => {
    const here = plainLine(text, 1000);
    return here === onNode[index] ? [] : [{ text, here, onNode: onNode[index] }];
  });
  t.strictSame(differ.slice(0, 5), []);
  t.ok(onNode.some((text) => text.includes("[token]")));
});

t.test("each secret is hidden within any text", async (t) => {
  for (const secret of [TOKEN, HASH, DATA])
    for (const text of [`x ${secret} y`, `ƒ${secret}ƒ`, `"${secret}"`]) {
      const [masked = ""] = await maskOnNode([text]);
      t.notMatch(masked, /abcdef\.0|0a0a|QUJD/, text);
      t.notMatch(plainLine(text), /abcdef\.0|0a0a|QUJD/, text);
    }
});
