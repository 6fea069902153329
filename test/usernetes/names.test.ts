/** The names of a cluster, derived from its job ID. */
import t from "tap";
import { archive, INSTANCE, marker, nameOf, project, workdir } from "../../lib/usernetes/names.js";

const JOBID = 179836689580032n;

t.test("a cluster's names come from its job's ID in lower case", (t) => {
  t.equal(workdir("/tmp", JOBID), "/tmp/usernetes-ƒ2qt1hsjy5");
  t.equal(project(JOBID), "usernetes-2qt1hsjy5");
  t.equal(archive(JOBID), "usernetes-2qt1hsjy5");
  t.end();
});

t.test("a work directory below the root has one slash", (t) => {
  t.equal(workdir("/", JOBID), "/usernetes-ƒ2qt1hsjy5");
  t.end();
});

t.test("IDs that differ only in case share a name, but not a marker", (t) => {
  const one = 179836689580032n;
  const other = 235036293768832n;
  t.equal(workdir("/tmp", one), workdir("/tmp", other));
  t.not(marker(one, "uuid"), marker(other, "uuid"));
  t.not(marker(one, "uuid"), marker(one, "another instance"));
  t.equal(marker(one, "uuid"), "179836689580032 uuid");
  t.end();
});

t.test("the whole instance's cluster has a name that is not a job's", (t) => {
  t.equal(workdir("/tmp", INSTANCE), "/tmp/usernetes-instance");
  t.equal(project(INSTANCE), "usernetes-instance");
  t.equal(nameOf(INSTANCE), "instance");
  t.equal(nameOf(JOBID), "ƒ2QT1HSJy5");
  t.end();
});
