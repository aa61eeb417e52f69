// Builds the package into dist/ (or the folder given): one ES module an entry, and the types beside them.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const types = !process.argv.includes("--no-types");
const target = process.argv.slice(2).find((argument) => !argument.startsWith("--")) ?? join(here, "dist");

await rm(target, { recursive: true, force: true });
await build({
  absWorkingDir: here,
  entryPoints: ["index", "browser", "node", "native"].map((name) => `src/${name}.ts`),
  outdir: target,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  platform: "neutral",
  external: ["node:*"],
  legalComments: "none",
});
if (types) {
  const tsc = join(here, "..", "node_modules", ".bin", "tsc");
  const emitted = ["-p", here, "--outDir", target];
  const { status } = spawnSync(existsSync(tsc) ? tsc : "tsc", emitted, { stdio: "inherit" });
  process.exitCode = status ?? 1;
}
