// Builds everything under web/ into chatd/web/static/ (or the folder given): the same sources give the same bytes.
import { build } from "esbuild";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "..", "chatd", "web", "static");

const shared = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  alias: { "@chatd/client": "./sdk/src/index.ts", "@chatd/client/browser": "./sdk/src/browser.ts" },
  legalComments: "none",
  metafile: true,
};

/** Build one page, `folder`/index.html with the hashed names of its script and style in place of main.js and main.css. */
async function page(folder, outdir) {
  const result = await build({
    ...shared,
    entryPoints: [`${folder}/src/main.tsx`],
    outdir,
    splitting: true,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
  });
  let html = await readFile(join(here, folder, "index.html"), "utf8");
  for (const [path, output] of Object.entries(result.metafile.outputs)) {
    const name = path.split("/").pop();
    if (output.entryPoint === `${folder}/src/main.tsx`) html = html.replace("main.js", name);
    if (name.startsWith("main-") && name.endsWith(".css")) html = html.replace("main.css", name);
  }
  await writeFile(join(outdir, "index.html"), html);
}

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await page("app", join(target, "app"));
await page("console", join(target, "console"));
