/**
 * The requirements of the template, the work directory and the shell plugin. on-node/places.sh
 * checks the first two.
 */
import type { Config } from "../config/check.js";
import { judgeSame } from "./compare.js";
import type { Requirement } from "./requirement.js";

const SHELL_PLUGIN: Requirement = {
  id: "shell-plugin",
  what: "shell plugin",
  how: "usernetes.lua in lua.d beside the shell's initrc.lua, or in a directory of FLUX_SHELL_RC_PATH",
  fatal: false,
  fix: "install the files of flux-usernetes on that node (docs/admin/install.md): without the plugin jobs have no KUBECONFIG",
};

const HOOK_PROGRAMS: Requirement = {
  id: "hooks",
  what: "programs of hooks",
  how: "each program of usernetes.hooks is a file that can be executed",
  fatal: true,
  fix: "install the program on that node, or change usernetes.hooks",
};

export const DIRECTORIES: Requirement = {
  id: "environment",
  what: "directories of the user",
  how: "those that XDG_RUNTIME_DIR and TMPDIR name in usernetes.environment are made",
  fatal: true,
  fix: "name directories that each user can make, as /var/tmp/{user}/run",
};

export function placeRequirements(config: Config): Requirement[] {
  return [...templateRequirements(config), ...workDirectory(config), SHELL_PLUGIN];
}

/**
 * With run-as = "sudo" the instance owner has no cluster, so the owner's directories are not
 * checked: --user checks those of its users.
 */
export function templateRequirements({ template, options, runAs }: Config): Requirement[] {
  const { hooks, environment } = options;
  const hasDirectories = runAs === "owner" && Object.keys(environment).length > 0;
  return [
    ...templateItself(template),
    ...(Object.keys(hooks).length > 0 ? [HOOK_PROGRAMS] : []),
    ...(hasDirectories ? [DIRECTORIES] : []),
  ];
}

function templateItself(template: string): Requirement[] {
  return [
    {
      id: "template",
      what: "template",
      how: `targets, variables, files and the service node in ${template}`,
      fatal: true,
      fix: `git clone https://github.com/rootless-containers/usernetes ${template}, and make it readable by the instance owner`,
    },
    {
      id: "template-rest",
      what: "rest of the template",
      how: "targets and variables that the steps can do without",
      fatal: false,
      fix: "update to a revision of rootless-containers/usernetes that has them: without, clusters come up, but teardown, retries or placement work less well",
    },
    {
      id: "template-same",
      what: "same template",
      how: "a digest of its files, without .git",
      fatal: true,
      fix: "install the same version of the template on every node",
      judgeAll: judgeSame,
    },
  ];
}

function workDirectory({ workdir, shared }: Config): Requirement[] {
  return [
    {
      id: "workdir",
      what: "work directory",
      how: `a file is made in ${workdir}, run and removed`,
      fatal: true,
      fix: "set usernetes.workdir to a directory that the instance owner can write to and run programs in",
    },
    ...(shared === "yes" ? [] : [local(workdir)]),
  ];
}

const local = (workdir: string): Requirement => ({
  id: "workdir-local",
  what: "local work directory",
  how: `stat --file-system ${workdir}`,
  fatal: false,
  fix: `set usernetes.workdir to a local directory, or usernetes.shared-filesystem to "yes" if it is meant to be shared`,
});
