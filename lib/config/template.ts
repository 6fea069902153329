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
}

/** What clusters had before there were these keys. */
export const DEFAULT_OPTIONS: TemplateOptions = {
  make: { up: "up", network: "install-flannel" },
  portVariables: [],
  environment: {},
  hooks: {},
};
