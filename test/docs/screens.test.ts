/** Screens are read from documents, and compared by the shapes of their lines (screens.ts). */
import t from "tap";
import { differences, screensIn, shape } from "./screens.js";

const TEXT = [
  "Text.\n",
  "    $ flux usernetes clean ƒ2jzY5RR",
  "    ƒ2jzY5RR: nothing is left\n",
  "- Text:\n",
  "    $ flux run \\",
  "        true",
  "    first",
  "    ...\n",
  "Text.\n",
  "    [usernetes]",
].join("\n");

t.test("a screen is parsed into a command and its output", (t) => {
  t.strictSame(screensIn("a.md", TEXT), [
    {
      file: "a.md",
      command: "flux usernetes clean ƒ2jzY5RR",
      output: ["ƒ2jzY5RR: nothing is left"],
    },
    { file: "a.md", command: "flux run true", output: ["first", "..."] },
  ]);
  t.end();
});

t.test("job IDs, numbers, hosts and bars are not compared", (t) => {
  t.equal(
    shape("* up               node[0-3] (rank 0-3)   2.18s   ████████▏"),
    shape("  up   node0 (rank 0)  12.5s ██"),
  );
  t.not(shape("up: ok on node0"), shape("up: failed on node0"));
  t.end();
});

t.test("each line that differs is listed", (t) => {
  const [clean, run] = screensIn("a.md", TEXT);
  if (!clean || !run) throw new Error("no screens");
  const same = { onlyInDocument: [], onlyInRun: [] };
  t.strictSame(differences(clean, "ƒABC: nothing is left\n"), same);
  t.strictSame(differences(clean, "ƒABC: all is left\n"), {
    onlyInDocument: ["ƒ2jzY5RR: nothing is left"],
    onlyInRun: ["ƒABC: all is left"],
  });
  t.strictSame(differences(run, "first\nsecond\n"), same, "... stands for any lines");
  t.end();
});
