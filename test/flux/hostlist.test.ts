/** Hostlists (RFC 29). */
import t from "tap";
import { decodeHostlist, encodeHostlist, encodeInOrder } from "../../lib/flux/hostlist.js";

t.test("hosts keep their order, with repeats", (t) => {
  t.strictSame(decodeHostlist("b,a,b"), ["b", "a", "b"]);
  t.strictSame(decodeHostlist(""), []);
  t.end();
});

t.test("ranges are expanded, with their leading zeros", (t) => {
  t.strictSame(decodeHostlist("node[0-3,07],login1"), [
    ...["node0", "node1", "node2", "node3", "node07", "login1"],
  ]);
  t.strictSame(decodeHostlist("n[08-11]"), ["n08", "n09", "n10", "n11"]);
  t.strictSame(decodeHostlist("n[8-11]"), ["n8", "n9", "n10", "n11"]);
  t.end();
});

t.test("text after a range applies to each host, and so does a second range", (t) => {
  t.strictSame(decodeHostlist("n[1-2].example.org"), ["n1.example.org", "n2.example.org"]);
  t.strictSame(decodeHostlist("rack[1-2]node[3-4]"), [
    ...["rack1node3", "rack1node4", "rack2node3", "rack2node4"],
  ]);
  t.end();
});

t.test("an invalid range is refused", (t) => {
  t.throws(
    () => decodeHostlist("n[a-b]"),
    new RangeError('"n[a-b]" is not a hostlist: "a-b" is not a range'),
  );
  for (const text of ["n[1-2-3]", "n[1,]", "n[-3]"])
    t.throws(() => decodeHostlist(text), RangeError, text);
  t.end();
});

t.test("only runs of numbers are shortened if the order matters", (t) => {
  for (const [hosts, text] of [
    [["b1", "a1", "a2", "b2", "a3"], "b1,a[1-2],b2,a3"],
    [["n08", "n09", "n10", "n11", "n012"], "n[08-11],n012"],
    [["n099", "n100", "n0", "n1"], "n[099-100],n[0-1]"],
    [["a", "a", "n2.x", "n3.x", "n4.y", "n3.y"], "a,a,n[2-3].x,n4.y,n3.y"],
    [[], ""],
  ] as [string[], string][]) {
    t.equal(encodeInOrder(hosts), text);
    t.strictSame(decodeHostlist(text), hosts);
  }
  t.end();
});

t.test("hosts that differ by a number are shortened and can be read back", (t) => {
  for (const [hosts, text] of [
    [["node0", "node1", "node2", "node7"], "node[0-2,7]"],
    [["n07", "n08", "n10"], "n[07-08],n10"],
    [["n1.example.org", "n2.example.org"], "n[1-2].example.org"],
    [["login", "n1", "login1"], "login,n1,login1"],
    [["n0", "n00"], "n0,n00"],
    [[], ""],
  ] as const) {
    t.equal(encodeHostlist(hosts), text);
    t.strictSame(decodeHostlist(text).toSorted(), [...hosts].toSorted());
  }
  t.equal(encodeHostlist(["a1", "a1"]), "a1", "each once");
  t.end();
});
