/**
 * Runs at the end of the build. Bundles flux-usernetes and its dependencies into a few files, of
 * which a command loads two or three, so that it starts in two thirds of the time that two hundred
 * files take. The files are not minified, and name the origin of each part. THIRD-PARTY.txt beside
 * them has the versions and licences (docs/decisions/0013).
 */
import { build } from "esbuild";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { packagePath } from "../../lib/host/package.js";
import { thirdParty, type Part } from "./third-party.js";

const FOLDER = packagePath("dist", "bundle");

rmSync(FOLDER, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: [packagePath("dist", "lib", "cli", "flux-usernetes.js")],
  outdir: FOLDER,
  absWorkingDir: packagePath(),
  bundle: true,
  // Code that only one command needs is in a file that only that command loads.
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node20",
  metafile: true,
  logLevel: "warning",
  // CommonJS packages load Node.js' own modules with require.
  banner: {
    js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
  },
});
writeFileSync(`${FOLDER}/THIRD-PARTY.txt`, thirdParty(Object.keys(metafile.inputs), readPart));

function readPart(folder: string): Part {
  const text = readFileSync(packagePath(folder, "package.json"), "utf8");
  const { name, version, license } = JSON.parse(text) as Omit<Part, "terms">;
  const file = readdirSync(packagePath(folder)).find((each) => /^licen[cs]e/i.test(each));
  const terms = file === undefined ? "" : readFileSync(packagePath(folder, file), "utf8");
  return { name, version, license, terms };
}
