// A whole chat program: node example.mjs ws://127.0.0.1:8470/v1/ws TOKEN PEER
//
// Sends the lines typed to PEER and prints what PEER writes, through every loss of the network, until end of input.
import { createInterface } from "node:readline";
import { Client } from "@chatd/client";
import { FileStorage } from "@chatd/client/node";

const [url, token, peer] = process.argv.slice(2);
const client = new Client({ url, token: () => token, storage: new FileStorage("me.chat") });
client.on((change) => {
  if (change.kind === "messageAdded" && change.message.user === peer) {
    console.log(`${peer}: ${change.message.text}`);
  }
});
await client.connect();
const room = await client.direct(peer);
for await (const line of createInterface({ input: process.stdin })) await room.send(line);
await client.close();
