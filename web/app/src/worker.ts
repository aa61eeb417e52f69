/** The service worker: it keeps all files of its version, so that the client opens without a network, and an open tab
 * finds parts of its version that the server no longer has; and it shows notifications. It sees no tokens, and of messages
 * what the notifications tell: what is not one of its files goes to the network past it.
 */
import { startPush } from "./push/worker_push.js";

declare const self: ServiceWorkerGlobalScope;
/** Set by the build: the version, and the names of its files relative to the worker; `./` is the page. */
declare const VERSION: string;
declare const FILES: readonly string[];

const PREFIX = "chatd-files-";
const CACHE = PREFIX + VERSION;
/** A page that did not come by then is taken from the cache. */
const PAGE_WAIT_MS = 2000;

/** A name that changes with its content. */
const HASHED = /^[^/]+-[A-Z0-9]{8}\.[a-z]+$/;

/** Answers vary by Origin, which scripts of a page send and this worker does not; the bytes are the same. */
const ANY = { ignoreVary: true };

const page = new URL("./", self.location.href).href;
const files = new Set(FILES.map((name) => new URL(name, self.location.href).href));

self.addEventListener("install", (event) => event.waitUntil(store()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("message", (event) => {
  if (event.data === "activate") event.waitUntil(self.skipWaiting());
});
self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const address = url.split(/[?#]/, 1)[0]!;
  if (method !== "GET") return;
  if (address === page) event.respondWith(fetchPage(event));
  else if (files.has(address) || isHashed(address)) event.respondWith(fetchFile(event.request));
});
startPush();

async function store(): Promise<void> {
  const cache = await caches.open(CACHE);
  // The others may be in the HTTP cache with an older content.
  await cache.addAll([...files].map((url) => new Request(url, { cache: isHashed(url) ? "default" : "no-cache" })));
}

/** Serve all tabs from now on. The files of the version before stay: its tabs are not reloaded at once. */
async function takeOver(): Promise<void> {
  const known = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(known.slice(0, -1).map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** Return the page of the network, or the kept one when the network takes long, fails, or answers with an error. */
async function fetchPage(event: FetchEvent): Promise<Response> {
  const kept = await caches.match(page, { cacheName: CACHE, ...ANY });
  const fetched = fetch(event.request);
  if (!kept) return fetched;
  const late = new Promise<Response>((resolve) => setTimeout(() => resolve(kept), PAGE_WAIT_MS));
  const answered = fetched.then((answer) => (answer.status >= 500 ? kept : answer)).catch(() => kept);
  return Promise.race([answered, late]);
}

async function fetchFile(request: Request): Promise<Response> {
  const kept = (await caches.match(request, { cacheName: CACHE, ...ANY })) ?? (await caches.match(request, ANY));
  return kept ?? fetch(request);
}

/** Whether it is a file of this version, or of an older one that an open tab may ask for. */
function isHashed(address: string): boolean {
  return address.startsWith(page) && HASHED.test(address.slice(page.length));
}
