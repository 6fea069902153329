/** Addresses and ports of `metrics-listen`. */
import t from "tap";
import { formatListen, parseListen } from "../../lib/config/listen.js";

t.test("a port alone listens on the loopback, or on the address before it", (t) => {
  for (const text of ["9464", ":9464"])
    t.same(parseListen(text), { host: "127.0.0.1", port: 9464 }, text);
  t.same(parseListen("0.0.0.0:80"), { host: "0.0.0.0", port: 80 });
  t.same(parseListen("[::]:9464"), { host: "::", port: 9464 });
  t.same(parseListen("node-1.example:65535"), { host: "node-1.example", port: 65_535 });
  t.end();
});

t.test("text that is not an address and a port is invalid", (t) => {
  const wrong = ["", ":", "0", "65536", "::1:9464", "[::1]", "[1.2.3.4]:80", "1.2.3:80", "a b:80"];
  for (const text of [
    ...wrong,
    "256.0.0.1:80",
    "-a:80",
    "a..b:80",
    "http://a:80",
    "127.0.0.1",
    "*:80",
  ])
    t.equal(parseListen(text), undefined, text);
  t.end();
});

t.test("an address is printed as it was written", (t) => {
  for (const text of ["127.0.0.1:9464", "[::1]:9464"]) {
    const listen = parseListen(text);
    t.equal(listen && formatListen(listen), text);
  }
  t.end();
});
