/**
 * Templates, and the choice of the template that a job requests. A template has further keys of the
 * table, its options. Pure.
 */

import { bytesOf, PATH_MAX } from "./bytes.js";

/** Programs of the site that run at fixed points of a cluster's life, each with its arguments. */
export interface Hooks {
  "before-up"?: readonly string[];
  "after-ready"?: readonly string[];
  "before-down"?: readonly string[];
}

/** The keys that go with a template. */
export interface TemplateOptions {
  /** The make targets for these steps. An empty `network` omits the step install-flannel. */
  make: { up: string; network: string };
  /** Further variables of the template that are ports. */
  portVariables: readonly string[];
  /** Environment variables of the steps, with their placeholders. */
  environment: Readonly<Record<string, string>>;
  /** Directory of image archives on the nodes. */
  images?: string;
  hooks: Hooks;
}

/** A usernetes clone on each node, with the keys that go with it. */
export interface Template {
  template: string;
  options: TemplateOptions;
  /** The template is a directory that the job's user named. Only steps of that user may read it. */
  isUsers?: true;
}

/**
 * The templates of a site: the default template, further templates by name, and whether a job may
 * name a directory of its user.
 */
export interface Templates extends Template {
  templates: Readonly<Record<string, Template>>;
  userTemplates: boolean;
}

/** The options of a template if the table does not set these keys. */
export const DEFAULT_OPTIONS: TemplateOptions = {
  make: { up: "up", network: "install-flannel" },
  portVariables: [],
  environment: {},
  hooks: {},
};

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

export const isTemplateName = (text: string): boolean => NAME.test(text);

/**
 * Whether a job may name this path. It must be absolute, without `..`, and without a colon, since
 * compose reads a path with a colon as a list of paths.
 */
export function isTemplatePath(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- it is refused
  const isPlain = text.startsWith("/") && !/[\u0000-\u001f\u007f:]|\/\.\.?(\/|$)/.test(text);
  return isPlain && bytesOf(text) <= PATH_MAX;
}

/**
 * Chooses the template for a job that requests `asked`, a name or a directory. Returns a
 * description of the allowed values if the request is not allowed.
 */
export function chooseTemplate(
  { template, options, templates, userTemplates }: Templates,
  asked: string | undefined,
): Template | { allowed: string } {
  if (asked === undefined) return { template, options };
  const named = Object.hasOwn(templates, asked) ? templates[asked] : undefined;
  if (named) return named;
  if (userTemplates && isTemplatePath(asked)) return { template: asked, options, isUsers: true };
  const names = Object.keys(templates).join(", ");
  const site = names === "" ? "the site has one template" : names;
  const own = userTemplates
    ? "an absolute path of a directory of your own"
    : "no directory of your own (usernetes.user-templates)";
  return { allowed: `${site} (usernetes.templates), and ${own}` };
}
