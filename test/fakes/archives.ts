/** Makes small image archives in the format of `docker save`. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Returns an archive that contains one image of this name. */
export function imageArchive(name: string): Buffer {
  const directory = mkdtempSync(join(tmpdir(), "usernetes-archive-"));
  try {
    mkdirSync(join(directory, "layer"));
    const manifest = [{ Config: "config.json", RepoTags: [name], Layers: ["layer/layer.tar"] }];
    writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
    writeFileSync(join(directory, "config.json"), "{}");
    writeFileSync(join(directory, "layer/layer.tar"), "x".repeat(50_000));
    const files = ["config.json", "layer/layer.tar", "manifest.json"];
    execFileSync("tar", ["-C", directory, "-cf", join(directory, "all.tar"), ...files]);
    return readFileSync(join(directory, "all.tar"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
