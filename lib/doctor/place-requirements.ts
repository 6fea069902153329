/** The template and the work directory, which on-node/places.sh checks; the shell plugin. */
import type { Config } from "../config/check.js";
import { judgeSame } from "./compare.js";
import type { Requirement } from "./requirements.js";

const SHELL_PLUGIN: Requirement = {
  id: "shell-plugin",
  what: "shell plugin",
  how: "usernetes.lua in lua.d beside the shell's initrc.lua, or in a directory of FLUX_SHELL_RC_PATH",
  fatal: false,
  mend: "flux-usernetes install, on that node: without it jobs have no KUBECONFIG",
};

export function placeRequirements(config: Config): Requirement[] {
  return [...directories(config), SHELL_PLUGIN];
}

function directories({ template, workdir, shared }: Config): Requirement[] {
  return [
    {
      id: "template",
      what: "template",
      how: `targets, variables, files and the service node in ${template}`,
      fatal: true,
      mend: `git clone https://github.com/rootless-containers/usernetes ${template}, readable by the instance owner`,
    },
    {
      id: "template-rest",
      what: "rest of the template",
      how: "targets and variables that the steps can do without",
      fatal: false,
      mend: "a revision of rootless-containers/usernetes that has it: clusters come up, but are torn down, tried again or placed worse",
    },
    {
      id: "template-same",
      what: "same template",
      how: "a digest of its files, without .git",
      fatal: true,
      mend: "the same version and the same files on each node",
      judgeAll: judgeSame,
    },
    {
      id: "workdir",
      what: "work directory",
      how: `a file is made in ${workdir}, run and removed`,
      fatal: true,
      mend: "set usernetes.workdir to a directory that the instance owner may write and run programs in",
    },
    ...(shared === "yes" ? [] : [local(workdir)]),
  ];
}

const local = (workdir: string): Requirement => ({
  id: "workdir-local",
  what: "local work directory",
  how: `stat --file-system ${workdir}`,
  fatal: false,
  mend: `set usernetes.workdir to a directory of the node's own, or usernetes.shared-filesystem to "yes" if it is meant to be shared`,
});
