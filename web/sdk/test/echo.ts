/** Prints random packets as hex, a line each; then reads them back from an independent library, and compares. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { decode, encode } from "../src/core/msgpack.js";
import { chance } from "./kit.js";
import { randomPacket } from "./random_packets.js";

const [, , count, returned] = process.argv;
const random = chance(11);
const lines = returned ? readFileSync(returned, "utf8").split("\n") : [];
for (let round = 0; round < Number(count); round++) {
  const packet = randomPacket(random);
  if (returned) assert.deepEqual(decode(Uint8Array.from(Buffer.from(lines[round]!, "hex"))), packet);
  else console.log(Buffer.from(encode(packet)).toString("hex"));
}
