// Builds the package into dist/ (or the folder given): one ES module an entry, and the types beside them. With
// `--debug` without the types, and private names stay readable.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const debug = process.argv.includes("--debug");
const target = process.argv.slice(2).find((argument) => !argument.startsWith("--")) ?? join(here, "dist");

await rm(target, { recursive: true, force: true });
await build({
  absWorkingDir: here,
  entryPoints: ["index", "people", "platform", "push", "media", "live", "conversations", "search", "browser", "json", "msgpack", "node", "native"].map((name) => `src/${name}.ts`),
  outdir: target,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  platform: "neutral",
  external: ["node:*"],
  legalComments: "none",
  ...(!debug && { mangleProps: /^_[a-z]/ }),
});
if (!debug) {
  const tsc = join(here, "..", "node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(process.execPath, [tsc, "-p", here, "--outDir", target], { stdio: "inherit" });
  process.exitCode = status ?? 1;
}
