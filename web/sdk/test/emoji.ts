/** Prints the normal form of each text of a JSON array. */

import { readFileSync } from "node:fs";

import { normalEmoji } from "../src/core/emoji.js";

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(normalEmoji)));
