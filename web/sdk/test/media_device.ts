/** A client in Node that sends a file, lists its files, fetches what it is told of, and says so line by line. */

import { createHash } from "node:crypto";
import { SystemEnv } from "../src/env.js";
import { fileOf, Links, Media, ownFiles, type NewFile } from "../src/media.js";
import { msgpack } from "../src/msgpack.js";
import { Client } from "../src/people.js";

const [url = "", token = "", room = "", size = "0"] = process.argv.slice(2);
const client = new Client({ url, token: () => token, codec: msgpack, env: new SystemEnv() });
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const digest = (bytes: ArrayBuffer | Uint8Array): string => createHash("sha256").update(new Uint8Array(bytes)).digest("hex");

await client.connect(60);
const content = Uint8Array.from({ length: Number(size) }, (_, at) => (at * 31) & 255);
const media = new Media(client, { token: () => token });
await media.start();
const file: NewFile = { blob: new Blob([content]), kind: "file", name: "тур.bin", mime: "application/x-tour" };
const arrived = new Promise<void>((resolve) => client.on((change) => change.kind === "sendDone" && resolve()));
await media.post(room, { text: "The tour" }, [file]);
await arrived;
const message = (await client.room(room).timeline(1)).messages.at(-1)!;
const [attachment] = message.body!.attachments!;
const link = await new Links(client).url({ room, seq: message.seq, file: fileOf(attachment!.url) });
const fetched = await (await fetch(link)).arrayBuffer();
const { files, used } = await ownFiles(client);
say({ offer: client.media, attachment, sent: digest(content), fetched: digest(fetched), files: files.length, used });
media.close();
await client.close();
