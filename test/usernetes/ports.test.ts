/** Ranges of ports, and the four ports of a cluster. */
import { fc } from "../random.js";
import t from "tap";
import {
  choosePorts,
  DEFAULT_PORTS,
  parsePortRange,
  portVariablesOf,
  type Ports,
} from "../../lib/usernetes/ports.js";

const block = (first: number): Ports => ({
  etcd: first,
  kubelet: first + 1,
  flannel: first + 2,
  apiserver: first + 3,
});

t.test("a range must hold at least four ports", (t) => {
  t.strictSame(parsePortRange("20000-29999"), { first: 20000, last: 29999 });
  t.strictSame(parsePortRange("20000-20003"), { first: 20000, last: 20003 });
  t.equal(parsePortRange("default"), "default");
  for (const text of [
    "20000-20002",
    "0-9",
    "65533-65536",
    "9-1",
    "20000",
    "a-b",
    "",
    "1-2-3",
    " 1-9",
  ])
    t.equal(parsePortRange(text), undefined, text);
  t.end();
});

t.test("a cluster gets the lowest block that no open one has", (t) => {
  const range = { first: 20000, last: 20011 };
  t.strictSame(choosePorts(range, []), block(20000));
  t.strictSame(choosePorts(range, [block(20000)]), block(20004));
  t.strictSame(choosePorts(range, [block(20008), block(20000)]), block(20004));
  t.strictSame(choosePorts(range, [block(20004)]), block(20000), "what was given back is taken");
  t.end();
});

t.test("a cluster has a port for each further variable", (t) => {
  const range = { first: 20000, last: 20011 };
  const two = ["PORT_CALICO", "PORT_B"];
  const first = { ...block(20000), PORT_CALICO: 20004, PORT_B: 20005 };
  t.strictSame(choosePorts(range, [], two), first);
  t.strictSame(portVariablesOf(first), two);
  t.strictSame(choosePorts(range, [first], []), block(20008), "and no other has them");
  t.strictSame(choosePorts(range, [block(20000)], two)?.etcd, 20006);
  t.equal(choosePorts(range, [first, block(20008)], ["PORT_CALICO"]), undefined);
  t.strictSame(choosePorts("default", [], two), DEFAULT_PORTS, "or the template's own choice");
  t.end();
});

t.test("no ports are returned when the range is used up", (t) => {
  t.equal(choosePorts({ first: 20000, last: 20006 }, [block(20000)]), undefined);
  t.end();
});

t.test("the four ports of usernetes can be used once", (t) => {
  t.strictSame(choosePorts("default", []), DEFAULT_PORTS);
  t.equal(choosePorts("default", [DEFAULT_PORTS]), undefined);
  t.end();
});

t.test("clusters never share a port, in whatever order they end", (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.option(fc.nat(9)), fc.nat(3))),
      fc.integer({ min: 3, max: 60 }),
      (moves, width) => {
        let open: Ports[] = [];
        for (const [move, count] of moves) {
          const variables = ["A", "B", "C"].slice(0, count);
          if (move !== null) {
            open = open.filter((_, i) => i !== move);
            continue;
          }
          const ports = choosePorts({ first: 1000, last: 1000 + width }, open, variables);
          if (ports) open.push(ports);
        }
        const all = open.flatMap((ports) => Object.values(ports));
        return new Set(all).size === all.length && all.every((p) => p >= 1000 && p <= 1000 + width);
      },
    ),
  );
  t.end();
});
