/** The list of the packages whose code a bundle contains. Pure, except for `read`. */

export interface Part {
  name: string;
  version: string;
  license: string;
  /** The text of the licence; empty if the package has none. */
  terms: string;
}

/**
 * Formats the list. `inputs`: file paths relative to the root of this package. Files in
 * node_modules belong to other packages.
 */
export function thirdParty(inputs: string[], read: (folder: string) => Part): string {
  const folders = new Set(inputs.map(folderOf).filter((folder) => folder !== undefined));
  const parts = [...folders].map(read).sort((a, b) => (label(a) < label(b) ? -1 : 1));
  return [
    "The files here have code of these packages in them:",
    "",
    ...parts.map((part) => `  ${label(part)}`),
    ...parts.flatMap((part) => ["", "=".repeat(78), label(part), "", part.terms.trim()]),
    "",
  ].join("\n");
}

const label = ({ name, version, license }: Part): string => `${name} ${version} (${license})`;

/**
 * Returns the folder of the innermost package that has the file, because a package may have a
 * node_modules of its own.
 */
const folderOf = (file: string): string | undefined =>
  /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
