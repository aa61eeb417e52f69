/** Make keys, or open what was sealed for some: `{}`, or `{keys, sealed: [...]}` as JSON on stdin; answers in JSON. */

import { makeKeys, openSealed, type SealingKeys } from "../src/push.js";

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const { keys, sealed = [] } = JSON.parse(Buffer.concat(chunks).toString()) as { keys?: SealingKeys; sealed?: string[] };
const answer = keys ? await Promise.all(sealed.map((one) => openSealed(one, keys))) : await makeKeys();
console.log(JSON.stringify(answer));
