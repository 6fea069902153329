/** Which template a job gets. */
import t from "tap";
import { chooseTemplate, DEFAULT_OPTIONS, type Templates } from "../../lib/config/template.js";

const calico = { template: "/opt/calico", options: { ...DEFAULT_OPTIONS, portVariables: ["P"] } };
const SITE: Templates = {
  ...{ template: "/opt/usernetes", options: DEFAULT_OPTIONS },
  ...{ templates: { calico }, userTemplates: false },
};

t.test("a job gets the site's own template, or the one that it names", (t) => {
  const own = { template: "/opt/usernetes", options: DEFAULT_OPTIONS };
  t.strictSame(chooseTemplate(SITE, undefined), own);
  t.strictSame(chooseTemplate(SITE, "calico"), calico);
  t.end();
});

t.test("an unknown template name is refused, with the known ones", (t) => {
  const no = "no directory of your own (usernetes.user-templates)";
  for (const asked of ["amd", "toString", "__proto__", "/home/alice/clone"])
    t.strictSame(chooseTemplate(SITE, asked), {
      allowed: `calico (usernetes.templates), and ${no}`,
    });
  t.strictSame(chooseTemplate({ ...SITE, templates: {} }, "amd"), {
    allowed: `the site has one template (usernetes.templates), and ${no}`,
  });
  t.end();
});

t.test("a user's own directory is a template if the site allows it, with its options", (t) => {
  const site = { ...SITE, userTemplates: true };
  t.strictSame(chooseTemplate(site, "/home/alice/clone"), {
    ...{ template: "/home/alice/clone", options: DEFAULT_OPTIONS, isUsers: true },
  });
  for (const asked of ["home/alice", "/home/../root", "/a:b", "amd"])
    t.strictSame(chooseTemplate(site, asked), {
      allowed: "calico (usernetes.templates), and an absolute path of a directory of your own",
    });
  t.end();
});
