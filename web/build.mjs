// Builds everything under web/ into chatd/web/static/ (or the folder given): the same sources give the same bytes.
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "..", "chatd", "web", "static");
/** Files of the build that only pages of other sites load: no worker needs them. */
const FOR_OTHERS = ["embed.html", "embed.js"];
/** What the build does not read: tests and documents. */
const NO_SOURCE = /(^|\/)test\/|\.md$/;

const shared = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  alias: { "@chatd/client": "./sdk/src/index.ts", "@chatd/client/browser": "./sdk/src/browser.ts" },
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
};

/** `import text from "./x.css?text"` gives the style sheet as a text, for a shadow root. */
const styleAsText = {
  name: "style as text",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /\.css\?text$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path.slice(0, -"?text".length)),
      namespace: "style-as-text",
    }));
    onLoad({ filter: /./, namespace: "style-as-text" }, async ({ path }) => {
      const { outputFiles } = await build({ ...shared, entryPoints: [path], write: false, metafile: false });
      return { contents: outputFiles[0].text, loader: "text" };
    });
  },
};

const digest = (content) => createHash("sha256").update(content).digest("hex");
const byName = (a, b) => (a < b ? -1 : 1);

/** Build the scripts of one page; the answer tells for each entry its script, its style and what it loads at once. */
async function scripts(folder, entries) {
  const outdir = join(target, folder);
  const { metafile } = await build({
    ...shared,
    plugins: [styleAsText],
    entryPoints: entries,
    outdir,
    splitting: true,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
  });
  const root = relative(here, outdir);
  const short = (path) => relative(root, path);
  const found = {};
  for (const [path, { entryPoint, cssBundle }] of Object.entries(metafile.outputs)) {
    if (!entries.includes(entryPoint)) continue;
    const loaded = new Set();
    const follow = (output) => {
      for (const { path: next, kind } of metafile.outputs[output].imports) {
        if (kind === "import-statement" && !loaded.has(next)) loaded.add(next) && follow(next);
      }
    };
    follow(path);
    found[entryPoint] = { script: short(path), style: cssBundle && short(cssBundle), loaded: [...loaded].map(short).sort() };
  }
  return found;
}

/** Write a page with the names of its script and style in place of main.js and main.css. */
async function page(source, output, { script, style, loaded }, version) {
  const preloads = loaded.map((name) => `    <link rel="modulepreload" href="${name}" />\n`).join("");
  const html = (await readFile(join(here, source), "utf8"))
    .replace('href="main.css"', `href="${style}"`)
    .replace('src="main.js"', `src="${script}"`)
    .replace("  </head>", `    <meta name="chatd-version" content="${version}" />\n${preloads}  </head>`);
  await writeFile(join(target, output), html);
}

/** The names and contents of all files in a folder of the build, in order. */
async function files(folder) {
  const entries = await readdir(join(target, folder), { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const names = paths.map((path) => relative(join(target, folder), path)).sort(byName);
  return Promise.all(names.map(async (name) => [name, await readFile(join(target, folder, name))]));
}

/** A digest of names and contents: the version of what they are. */
const digestOf = (all) => digest(all.map(([name, content]) => `${digest(content)}  ${name}\n`).join(""));

async function copy(folder, name) {
  const output = join(target, folder, name);
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, await readFile(join(here, folder, name)));
}

async function buildApp() {
  const [main, framed, element] = ["app/src/main.tsx", "app/src/embed/page.tsx", "app/src/embed/element.ts"];
  const built = await scripts("app", [main, framed, element]);
  await rename(join(target, "app", built[element].script), join(target, "app", "embed.js"));
  for (const name of ["app.webmanifest", ...(await readdir(join(here, "app/icons"))).map((icon) => `icons/${icon}`)]) {
    await copy("app", name);
  }
  const pages = [["index.html", await readFile(join(here, "app/index.html"))]];
  const version = digestOf([...(await files("app")), ...pages]).slice(0, 16);
  await page("app/index.html", "app/index.html", built[main], version);
  await page("app/embed.html", "app/embed.html", built[framed], version);
  const stored = (await files("app")).map(([name]) => name).filter((name) => !FOR_OTHERS.includes(name));
  const names = stored.map((name) => (name === "index.html" ? "./" : name));
  await build({
    ...shared,
    format: "iife",
    entryPoints: ["app/src/worker.ts"],
    outfile: join(target, "app", "sw.js"),
    define: { VERSION: JSON.stringify(version), FILES: JSON.stringify(names) },
  });
  return version;
}

async function buildConsole() {
  const main = "console/src/main.tsx";
  const built = await scripts("console", [main]);
  await page("console/index.html", "console/index.html", built[main], digestOf(await files("console")).slice(0, 16));
}

/** The sources: files of web/ that git knows or would add, without those that the build does not read. */
async function sources() {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "."], { cwd: here });
  const names = [...new Set(listed.toString().split("\0"))].filter((name) => name && !NO_SOURCE.test(name)).sort(byName);
  const all = await Promise.all(names.map(async (name) => [name, await readFile(join(here, name)).catch(() => null)]));
  return all.filter(([, content]) => content !== null);
}

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
const version = await buildApp();
await buildConsole();
const built = Object.fromEntries((await files(".")).map(([name, content]) => [name, digest(content)]));
const manifest = { version, sources: digestOf(await sources()), files: built };
await writeFile(join(target, "manifest.json"), JSON.stringify(manifest, null, 1) + "\n");
