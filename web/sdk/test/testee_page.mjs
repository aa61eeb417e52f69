// Bundles testee.mjs for a page, with testee_page.ts in place of Node: node testee_page.mjs OUT
import { build } from "esbuild";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const page = join(here, "testee_page.ts");

/** Imports of Node are of the page, those of the package of its sources. */
const inPage = {
  name: "in-page",
  setup({ onResolve }) {
    onResolve({ filter: /^(node:readline|\.\/dist\/node\.js)$/ }, () => ({ path: page }));
    onResolve({ filter: /^\.\/dist\// }, ({ path }) => ({
      path: join(here, "..", path.replace("./dist/", "src/").replace(/\.js$/, ".ts")),
    }));
  },
};

await build({
  entryPoints: [join(here, "..", "testee.mjs")],
  outfile: process.argv[2],
  bundle: true,
  format: "esm",
  target: "es2022",
  inject: [page],
  plugins: [inPage],
  logLevel: "warning",
});
