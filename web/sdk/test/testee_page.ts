/** What testee.mjs needs in a page in place of Node: lines over a WebSocket, and a storage in IndexedDB.
 *
 * `window.kit` is the address of the kit, as ws://KIT/testee. The clock is the real one: frames reach a page through another
 * process, so nobody can say when all of them have come.
 */

export { IndexedDbStorage as FileStorage } from "../src/indexeddb.js";

const socket = new WebSocket((window as unknown as { kit: string }).kit);
const opened = new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));

export const process = {
  argv: ["page", "testee.mjs", "--time", "real"],
  stdin: socket,
  stdout: { write: (line: string) => void opened.then(() => socket.send(line)) },
};

export const setImmediate = (action: () => void) => setTimeout(action, 0);

/** The lines of the kit. One that ends the app reloads the page, as a phone that kills an app. */
export async function* createInterface({ input }: { input: WebSocket }): AsyncGenerator<string> {
  const lines: string[] = [];
  let wake = () => {};
  input.addEventListener("message", ({ data }) => {
    const text = String(data);
    if ((JSON.parse(text) as { what?: string }).what === "kill") return location.reload();
    lines.push(text);
    wake();
  });
  for (;;) {
    while (lines.length) yield lines.shift()!;
    await new Promise<void>((resolve) => (wake = resolve));
  }
}
