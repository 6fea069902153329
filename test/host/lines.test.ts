/** A stream is split into lines of bounded length. */
import { PassThrough } from "node:stream";
import t from "tap";
import { readLines } from "../../lib/host/lines.js";

/** The lines that a reader receives of these chunks if a line has at most `max` bytes. */
async function reported(max: number, ...chunks: (string | Buffer)[]): Promise<string[]> {
  const stream = new PassThrough();
  const all: string[] = [];
  const ended = readLines(stream, {
    max,
    onLine: (line) => all.push(line),
    onLong: (head) => all.push(`long ${head}`),
    onTorn: (line) => all.push(`torn ${line}`),
  });
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await ended;
  return all;
}

t.test("lines are read as they were written, however they were divided", async (t) => {
  t.strictSame(await reported(100, "one\ntw", "o\n", "\nfour\n"), ["one", "two", "", "four"]);
  const letter = Buffer.from("ƒ\n");
  t.strictSame(await reported(100, letter.subarray(0, 1), letter.subarray(1)), ["ƒ"]);
});

t.test("a carriage return before a newline is removed, and others are kept", async (t) => {
  t.strictSame(await reported(100, "one\r\nt\rwo\u2028\u2029\n"), ["one", "t\rwo\u2028\u2029"]);
});

t.test("an incomplete last line is reported separately", async (t) => {
  t.strictSame(await reported(100, "one\ntw"), ["one", "torn tw"]);
  t.strictSame(await reported(100), []);
});

t.test("a line that is too long is cut and does not hide the next one", async (t) => {
  t.strictSame(await reported(4, "12345", "67", "89\nnext\n"), ["long 12345", "next"]);
  t.strictSame(await reported(4, "1234\n1", "2345\n"), ["1234", "long 12345"]);
  const [long = ""] = await reported(10_000, Buffer.alloc(20_000, "x"));
  t.equal(long.length, "long ".length + 4096);
});

t.test("invalid UTF-8 can be read", async (t) => {
  t.strictSame(await reported(100, Buffer.from([0x61, 0xff, 0, 0x62, 10])), ["a\ufffd\0b"]);
});

t.test("an interrupted stream ends the lines", async (t) => {
  const stream = new PassThrough();
  const lines: string[] = [];
  const onLine = (line: string) => lines.push(line);
  const ended = readLines(stream, { max: 9, onLine, onLong: onLine, onTorn: onLine });
  stream.write("one\ntwo");
  await new Promise(setImmediate);
  stream.destroy(new Error("gone"));
  await ended;
  t.strictSame(lines, ["one", "two"]);
});

t.test("a line without end takes no more memory than its bound", async (t) => {
  const stream = new PassThrough();
  const chunk = Buffer.alloc(1 << 20, "x");
  let most = 0;
  const ignore = () => undefined;
  const ended = readLines(stream, { max: 1 << 20, onLine: ignore, onLong: ignore, onTorn: ignore });
  for (let i = 0; i < 256; i++) {
    // Each chunk is a copy, so that a chunk that the reader keeps takes memory.
    stream.write(Buffer.from(chunk));
    await new Promise(setImmediate);
    most = Math.max(most, process.memoryUsage().arrayBuffers);
  }
  stream.end();
  await ended;
  t.ok(most < 128 << 20, `${most >> 20} MiB at most, of 256`);
});
