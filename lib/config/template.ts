/**
 * What a cluster is made with: a template, and the keys of the table that go with it.
 * Pure.
 */

/** Programs that run at points of a cluster's life, each with its arguments. */
export interface Hooks {
  "before-up"?: readonly string[];
  "after-ready"?: readonly string[];
  "before-down"?: readonly string[];
}

/** The keys that go with a template. */
export interface TemplateOptions {
  /** The template's targets for these steps; network: "" for no such step. */
  make: { up: string; network: string };
  /** Further variables of the template that are ports. */
  portVariables: readonly string[];
  /** Environment of the steps, placeholders not yet replaced. */
  environment: Readonly<Record<string, string>>;
  /** Directory of image archives on the nodes. */
  images?: string;
  hooks: Hooks;
}

/** A usernetes clone on each node, with the keys that go with it. */
export interface Template {
  template: string;
  options: TemplateOptions;
  /** A job has named it, a directory of its user's: nothing but their own steps may read it. */
  isUsers?: true;
}

/** The templates of a site: its own, others by name, and whether a user's own will do. */
export interface Templates extends Template {
  templates: Readonly<Record<string, Template>>;
  userTemplates: boolean;
}

/** What clusters had before there were these keys. */
export const DEFAULT_OPTIONS: TemplateOptions = {
  make: { up: "up", network: "install-flannel" },
  portVariables: [],
  environment: {},
  hooks: {},
};

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

export const isTemplateName = (text: string): boolean => NAME.test(text);

/** What a job may name: nothing of it leads elsewhere, or is a list of paths for compose. */
export function isTemplatePath(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- it is refused
  return text.startsWith("/") && !/[\u0000-\u001f\u007f:]|\/\.\.?(\/|$)/.test(text);
}

/** The template that a job gets which has asked for this one, by name or as a directory. */
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
