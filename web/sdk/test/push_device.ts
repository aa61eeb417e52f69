/** A device that registers for sealed notifications: URL TOKEN APP as arguments. Prints what the server says of push at its
 * next start, and of a test; then reads from stdin what came for it, prints it opened, and at last the reasons. */

import { createInterface } from "node:readline";

import { MemoryStorage } from "../src/index.js";
import { msgpack } from "../src/msgpack.js";
import { Client } from "../src/people.js";
import {
  makeKeys, pushDecisions, pushPreferencesOf, receivedNotification, register, setPushPreferences, testPush, unregister,
} from "../src/push.js";

const [url = "", token = "", app = ""] = process.argv.slice(2);
const device = "Zk3vN0b1Q2mXr8sT5uWy7A";
const start = async () => {
  const client = new Client({ url, token: () => token, codec: msgpack, device, storage: new MemoryStorage() });
  await client.connect(60);
  return client;
};
const say = (value: unknown) => console.log(JSON.stringify(value));

const keys = await makeKeys();
const first = await start();
await register(first, { platform: "gateway", token: "pushkey", app, keys });
await setPushPreferences(first, { groups: "mentions", quiet: [{ from: "22:00", to: "07:00" }], timezone: "Asia/Shanghai" });
await setPushPreferences(first, { quiet: [] });
await first.close();
const again = await start();
say({ push: again.push, groups: pushPreferencesOf(again).groups, quiet: pushPreferencesOf(again).quiet });
say(await testPush(again));
await again.close();
for await (const line of createInterface({ input: process.stdin })) {
  say(await receivedNotification(JSON.parse(line) as Record<string, unknown>, keys));
  if (!line.includes('"test"')) break;
}
const last = await start();
say((await pushDecisions(last)).map(({ kind, outcome }) => [kind, outcome]));
await unregister(last, { platform: "gateway", app });
await last.close();
