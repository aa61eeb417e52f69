/** The test that tells a captive portal from an outage (protocol.md, "Rules for mobile clients"): a request for the six
 * bytes that only the server answers. */

const PATIENCE_MS = 10_000;

/** Whether something other than chatd answers `GET /v1/health` on the host of a `ws:` or `wss:` address.
 *
 * False when nobody answers at all: that is an outage.
 */
export async function isPortal(url: string): Promise<boolean> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
  const address = url.replace(/^ws(s?:\/\/[^/]+).*/, "http$1/v1/health");
  try {
    const answer = await fetch(address, { cache: "no-store", redirect: "manual", signal: abort.signal });
    return (await answer.text()) !== "chatd\n";
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
