/** Ranks and hosts of a job's R (RFC 20). */
import t from "tap";
import { parseResources } from "../../lib/flux/resources.js";

const R = (ranks: string[], nodelist: string[], version = 1) =>
  JSON.stringify({
    version,
    execution: {
      R_lite: ranks.map((rank) => ({ rank, children: { core: "0-3" } })),
      nodelist,
      starttime: 0,
      expiration: 0,
    },
  });

t.test("ranks are read with their hosts", (t) => {
  t.strictSame(parseResources(R(["0-2"], ["node[0-2]"])), {
    ranks: [0, 1, 2],
    hosts: ["node0", "node1", "node2"],
  });
  t.end();
});

t.test("grouped ranks of an R are put in order, each with its host", (t) => {
  t.strictSame(parseResources(R(["3,7", "1"], ["c", "g,a"])), {
    ranks: [1, 3, 7],
    hosts: ["a", "c", "g"],
  });
  t.end();
});

t.test("an R of an unknown form is refused with the reason", (t) => {
  t.throws(
    () => parseResources(R(["0"], ["a"], 2)),
    new Error("R has version 2, this program reads version 1; update flux-usernetes"),
  );
  t.throws(() => parseResources(R(["0-3"], ["a,b"])), new Error("R has 4 ranks but 2 hosts"));
  t.end();
});
