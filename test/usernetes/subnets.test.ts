/** Pools of subnets, and the subnet of each node. */
import { fc } from "../random.js";
import t from "tap";
import {
  blockOfNetwork,
  chooseBlock,
  indexOf,
  parsePool,
  subnet,
  type Block,
} from "../../lib/usernetes/subnets.js";

const POOL = { address: 0x0a640000, size: 1024 };

t.test("a pool is a network of /24 or larger, on its own boundary", (t) => {
  t.strictSame(parsePool("10.100.0.0/14"), POOL);
  t.strictSame(parsePool("192.168.4.0/24"), { address: 0xc0a80400, size: 1 });
  t.strictSame(parsePool("10.0.0.0/8"), { address: 0x0a000000, size: 65536 });
  for (const text of [
    ...["10.100.0.0", "10.100.0.0/25", "10.100.0.0/7", "10.101.0.0/14", "10.100.0.1/24"],
    ...["10.256.0.0/16", "10.100.0/16", "fd00::/8", "", "10.100.0.0/14 "],
  ])
    t.equal(parsePool(text), undefined, text);
  t.end();
});

t.test("each /24 of a pool has its place", (t) => {
  t.equal(subnet(POOL, 0), "10.100.0.0/24");
  t.equal(subnet(POOL, 3), "10.100.3.0/24");
  t.equal(subnet(POOL, 256), "10.101.0.0/24");
  t.equal(subnet(POOL, 1023), "10.103.255.0/24");
  t.equal(indexOf(POOL, "10.103.255.0/24"), 1023);
  t.equal(indexOf(POOL, "10.99.255.0/24"), -1, "another pool's");
  t.end();
});

t.test("every place is found from its subnet", (t) => {
  fc.assert(fc.property(fc.nat(1023), (i) => indexOf(POOL, subnet(POOL, i)) === i));
  t.end();
});

t.test("a cluster gets the lowest block that is free", (t) => {
  t.strictSame(chooseBlock(POOL, 3, []), { first: 0, count: 3 });
  t.strictSame(chooseBlock(POOL, 3, [{ first: 0, count: 2 }]), { first: 2, count: 3 });
  const open = [
    { first: 10, count: 5 },
    { first: 0, count: 4 },
  ];
  t.strictSame(chooseBlock(POOL, 6, open), { first: 4, count: 6 }, "exactly between");
  t.strictSame(chooseBlock(POOL, 7, open), { first: 15, count: 7 });
  t.end();
});

t.test("blocks of another pool do not matter", (t) => {
  t.strictSame(chooseBlock(POOL, 2, [{ first: -5, count: 3 }]), { first: 0, count: 2 });
  t.strictSame(chooseBlock(POOL, 2, [{ first: 5000, count: 3 }]), { first: 0, count: 2 });
  t.end();
});

t.test("a network uses the part of a pool that it overlaps", (t) => {
  t.strictSame(blockOfNetwork(POOL, "10.100.0.0/16"), { first: 0, count: 256 });
  t.strictSame(blockOfNetwork(POOL, "10.101.7.9/16"), { first: 256, count: 256 });
  t.strictSame(blockOfNetwork(POOL, "10.100.3.130/25"), { first: 3, count: 1 });
  t.strictSame(blockOfNetwork(POOL, "10.103.255.255"), { first: 1023, count: 1 });
  t.strictSame(blockOfNetwork(POOL, "10.0.0.0/8"), { first: -25600, count: 65536 });
  for (const text of ["10.104.0.0/16", "10.99.255.255", "0.0.0.0/1", "0.0.0.0/0", "x", "fd00::/8"])
    t.equal(blockOfNetwork(POOL, text), undefined, text);
  t.end();
});

t.test("no subnets are returned when the pool is used up", (t) => {
  t.equal(chooseBlock({ address: 0, size: 4 }, 5, []), undefined);
  t.equal(chooseBlock({ address: 0, size: 4 }, 3, [{ first: 1, count: 1 }]), undefined);
  t.end();
});

t.test("blocks never overlap and stay in the pool, in whatever order clusters end", (t) => {
  const moves = fc.array(
    fc.oneof(
      fc.record({ take: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ giveBack: fc.nat(9) }),
    ),
  );
  fc.assert(
    fc.property(moves, (all) => {
      const pool = { address: 0, size: 32 };
      let open: Block[] = [];
      for (const move of all)
        if ("take" in move) {
          const block = chooseBlock(pool, move.take, open);
          if (block) open.push(block);
        } else open = open.filter((_, i) => i !== move.giveBack);
      const taken = open.flatMap(({ first, count }) =>
        Array.from({ length: count }, (_, i) => first + i),
      );
      return new Set(taken).size === taken.length && taken.every((i) => i >= 0 && i < 32);
    }),
  );
  t.end();
});
