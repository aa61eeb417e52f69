// Builds everything under web/ into chatd/web/static/ (or the folder given): the same sources give the same bytes.
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv[2] ?? join(here, "..", "chatd", "web", "static");
/** Built here and moved in the end, so that a build that fails leaves the files of the last one. */
const target = `${wanted}.new`;
/** Files of the build that only pages of other sites load: no worker needs them. */
const FOR_OTHERS = ["embed.html", "embed.js"];
/** What the build does not read: tests and documents. */
const NO_SOURCE = /(^|\/)test\/|\.md$/;

const shared = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  // Private names: no such key is stored, sent, or known to a page.
  mangleProps: /^_[a-z]/,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  alias: {
    "@chatd/client": "./sdk/src/index.ts",
    "@chatd/client/people": "./sdk/src/people.ts",
    "@chatd/client/platform": "./sdk/src/platform.ts",
    "@chatd/client/push": "./sdk/src/push.ts",
    "@chatd/client/media": "./sdk/src/media.ts",
    "@chatd/client/live": "./sdk/src/live.ts",
    "@chatd/client/conversations": "./sdk/src/conversations.ts",
    "@chatd/client/search": "./sdk/src/search.ts",
    "@chatd/client/browser": "./sdk/src/browser.ts",
    "@chatd/client/msgpack": "./sdk/src/msgpack.ts",
  },
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
  // An import for its effect of a module that has none: see oneChunk.
  logOverride: { "ignored-bare-import": "silent" },
};

/** `import text from "./x.css?text"` gives the style sheet as a text, for a shadow root. */
const styleAsText = {
  name: "style as text",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /\.css\?text$/ }, ({ path, resolveDir }) => ({
      // Names with a hash are made of such paths, too: they are the same wherever this folder lies.
      path: relative(here, join(resolveDir, path.slice(0, -"?text".length))),
      namespace: "style-as-text",
    }));
    onLoad({ filter: /./, namespace: "style-as-text" }, async ({ path }) => {
      const { outputFiles } = await build({ ...shared, entryPoints: [`./${path}`], write: false, metafile: false });
      return { contents: outputFiles[0].text, loader: "text" };
    });
  },
};

const digest = (content) => createHash("sha256").update(content).digest("hex");
const byName = (a, b) => (a < b ? -1 : 1);

/** The outputs that come with an output: it, and all that is imported without `import()`. */
function loadedWith(outputs, path, found = new Set()) {
  found.add(path);
  for (const { path: next, kind } of outputs[path].imports) {
    if (kind === "import-statement" && !found.has(next)) loadedWith(outputs, next, found);
  }
  return found;
}

/** Keep all that a page loads at once in one chunk.
 *
 * esbuild makes a chunk for each set of parts that share something: with ten parts that are loaded later, the page would
 * be a dozen files. So every later part imports all modules of the page, which are there by then: one set, one chunk.
 */
function oneChunk(modules) {
  const namespace = "later-part";
  return {
    name: "one chunk",
    setup({ onLoad, onResolve, resolve }) {
      onResolve({ filter: /^\./ }, async ({ path, importer, resolveDir, kind }) => {
        if (kind !== "dynamic-import") return;
        const found = await resolve(path, { importer, resolveDir, kind: "import-statement" });
        return { path: relative(here, found.path), namespace, errors: found.errors };
      });
      onLoad({ filter: /./, namespace }, ({ path }) => {
        const what = path.endsWith(".json") ? `export { default } from` : `export * from`;
        const imports = modules.map((module) => `import ${JSON.stringify(`./${module}`)};`).join("\n");
        return { contents: `${imports}\n${what} ${JSON.stringify(`./${path}`)};`, resolveDir: here };
      });
    },
  };
}

/** Build the scripts of one folder, the page first; the answer tells for each entry its script, style and what it loads. */
async function scripts(folder, entries) {
  const outdir = join(target, folder);
  const options = {
    ...shared,
    outdir,
    splitting: true,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
  };
  const alone = await build({ ...options, entryPoints: [entries[0]], plugins: [styleAsText], write: false });
  const ofEntry = ({ outputs }, entry) => Object.keys(outputs).find((path) => outputs[path].entryPoint === entry);
  const first = loadedWith(alone.metafile.outputs, ofEntry(alone.metafile, entries[0]));
  const modules = [...first].flatMap((path) => Object.keys(alone.metafile.outputs[path].inputs));
  const own = modules.filter((name) => /^(app|console|sdk)\/.*\.(tsx?|json)$/.test(name) && name !== entries[0]);
  const plugins = [styleAsText, oneChunk(own.sort(byName))];
  const { metafile } = await build({ ...options, entryPoints: entries, plugins });
  const short = (path) => relative(relative(here, outdir), path);
  const described = entries.map((entry) => {
    const path = ofEntry(metafile, entry);
    const loaded = [...loadedWith(metafile.outputs, path)].filter((name) => name !== path);
    const style = metafile.outputs[path].cssBundle;
    return [entry, { script: short(path), style: style && short(style), loaded: loaded.map(short).sort(byName) }];
  });
  return Object.fromEntries(described);
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
  // Embedded, the styles are texts in the scripts: only the page has a style sheet.
  for (const [name] of await files("app")) {
    if (name.endsWith(".css") && name !== built[main].style) await rm(join(target, "app", name));
  }
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
await rm(wanted, { recursive: true, force: true });
await rename(target, wanted);
