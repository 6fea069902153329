/** Host names that can be part of a Kubernetes node name. */
import t from "tap";
import { hostNameFault, hostNamesFault } from "../../lib/usernetes/host-names.js";

t.test("a host can be a node if Kubernetes and sethostname(2) accept its name", (t) => {
  for (const host of ["node0", "Node-A.Example.ORG", "0", "a.b", "x".repeat(59)])
    t.equal(hostNameFault(host), undefined, host);
  t.end();
});

t.test("a host name that is not made of RFC 1123 labels is refused", (t) => {
  for (const host of ["compute_0", "node-", "a..b", "a.-b", "nöde", "a b", "$(reboot)", "", "a."])
    t.match(hostNameFault(host), /^the host name .* allowed are letters, digits and "-"/, host);
  t.match(
    hostNameFault("compute_0"),
    /^the host name compute_0 cannot be part of .*rename the host$/,
  );
  t.notMatch(hostNameFault("a\nb"), /\n/, "in one line");
  t.end();
});

t.test("a host name that is too long with the prefix is refused, with the limit", (t) => {
  t.match(
    hostNameFault("x".repeat(61)),
    /^the host name x{61} is too long: the node name u7s-x{61} has 65 characters, allowed are 63 .* so 59 for the host/,
  );
  t.match(hostNameFault("x".repeat(60)), /has 64 characters/);
  t.match(hostNameFault(`${"x".repeat(40)}.${"y".repeat(20)}`), /has 65 characters/);
  t.end();
});

t.test("the names of one cluster differ without regard to case", (t) => {
  t.equal(hostNamesFault(["a", "b", "A1"]), undefined);
  t.equal(
    hostNamesFault(["a", "b", "b"]),
    "two of the job's ranks are on the host b: a cluster needs one broker per host",
  );
  t.match(
    hostNamesFault(["Node1", "node2", "node1"]),
    /^the hosts Node1 and node1 differ only in case, and both would be the node u7s-node1: /,
  );
  t.match(hostNamesFault(["a", "b_c"]), /^the host name b_c cannot be part /);
  t.end();
});
