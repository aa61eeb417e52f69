/** The test that tells a captive portal from an outage (protocol.md, "Rules for mobile clients"): a request for the six
 * bytes that only the server answers. */

import type { Env, Timer } from "./env.js";

/** Whether something other than chatd answers `GET /v1/health` on the host of a `ws:` or `wss:` address.
 *
 * False when nobody answers at all: that is an outage.
 */
export async function isPortal(env: Env, url: string, timeoutS: number): Promise<boolean> {
  const { host } = new URL(url);
  const asked = env.fetchText(`${url.startsWith("wss:") ? "https" : "http"}://${host}/v1/health`);
  let timer: Timer | undefined;
  const late = new Promise<string>((resolve) => {
    timer = env.callLater(timeoutS, () => resolve("chatd\n"));
  });
  try {
    return (await Promise.race([asked, late])) !== "chatd\n";
  } catch {
    return false;
  } finally {
    timer?.cancel();
  }
}
