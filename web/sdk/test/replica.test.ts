/** One room, fed in any order, with repetitions and restarts in between, ends as if its log had been applied once. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { messageFrom, type Message } from "../src/core/messages.js";
import type { Event } from "../src/core/packets.js";
import { Replica, type Owner, type RoomRecord } from "../src/core/replica.js";
import { MemoryStorage } from "../src/storage.js";
import { chance } from "./kit.js";

const ROOM = "g4fKz81QwXe2";
const LENGTH = 80;

type Random = () => number;

function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)]!;
}

/** Return a log of messages and operations on them. */
function randomLog(random: Random): Event[] {
  const log: Event[] = [];
  const messages: number[] = [];
  for (let seq = 1; seq <= LENGTH; seq++) {
    const acted = { seq, user: pick(random, ["u7", "u42"]), time: 1000 + seq };
    const target = messages.length ? pick(random, messages) : 0;
    const kind = target ? pick(random, ["message", "edit", "recall", "reaction", "pin", "joined"]) : "message";
    if (kind === "message") {
      messages.push(seq);
      log.push({ ...acted, kind, ordinal: messages.length, key: `key-${seq}`, body: { text: `m${seq}` } });
    } else if (kind === "edit") log.push({ ...acted, kind, target, body: { text: `e${seq}` } });
    else if (kind === "joined") log.push({ ...acted, kind, users: ["u9"] });
    else log.push({ ...acted, kind, target, emoji: pick(random, ["👍", "🎉"]), set: random() < 0.6 });
  }
  return log;
}

const OWNER: Owner = { user: "u42", everybodyMax: 500 };

function sorted(messages: Iterable<Message>): unknown[] {
  const found = [...messages].sort((one, other) => one.seq - other.seq);
  return found.map(({ mine, ...rest }) => ({ ...rest, mine: [...mine].sort() }));
}

/** Return the replica of a room after the first events of its log, seen from `first` on. */
function applied(log: readonly Event[], until: number, first = 1): Replica {
  const replica = new Replica(ROOM, OWNER);
  replica.takeSummary({ room: ROOM, seq: 0, first_visible: first });
  replica.feed(log.slice(0, until));
  return replica;
}

/** Write what changed. */
async function write(storage: MemoryStorage, replica: Replica): Promise<void> {
  await storage.write([{ table: "rooms", key: ROOM, value: replica.record() }, ...replica.timeline.rows()]);
}

/** Write what changed, and go on with a replica that has only what was written. */
async function restarted(storage: MemoryStorage, replica: Replica): Promise<Replica> {
  await write(storage, replica);
  const record = structuredClone((await storage.load()).rooms!.get(ROOM)) as RoomRecord;
  const next = new Replica(ROOM, OWNER);
  next.restore(record);
  return next;
}

for (let seed = 1; seed <= 60; seed++) {
  test(`seed ${seed}`, async () => {
    const random = chance(seed);
    const log = randomLog(random);
    const storage = new MemoryStorage();
    // Who joined a group sees it from there on.
    const first = 1 + (seed % 3);
    let replica = applied(log, first, first);
    let isLoaded = true;
    while (replica.timeline.applied < LENGTH) {
      const action = random();
      const { timeline } = replica;
      if (action < 0.6) {
        const from = Math.max(0, timeline.applied - 8 + Math.floor(random() * 16));
        replica.feed(log.slice(from, from + 6).sort(() => random() - 0.5));
      } else if (action < 0.75) replica.feed(log.slice(timeline.applied, timeline.applied + 3));
      else if (action < 0.8) await write(storage, replica);
      else if (action < 0.9) {
        replica = await restarted(storage, replica);
        isLoaded = false;
      } else {
        replica.timeline.takeStored((await storage.messages(ROOM)) as Event[]);
        isLoaded = true;
      }
      assertRight(replica, log, first);
    }
    if (!isLoaded) replica.timeline.takeStored((await storage.messages(ROOM)) as Event[]);
    assertRight(replica, log, first);
    assert.equal(replica.timeline.behind, false);
  });
}

/** What a replica says is right up to where it is, is what the log says. */
function assertRight({ timeline }: Replica, log: readonly Event[], first: number): void {
  const truth = applied(log, timeline.applied, first).timeline.messages;
  for (const [low, high, valid] of timeline.cached.parts) {
    assert(valid <= timeline.applied);
    if (valid < timeline.applied) continue;
    const stated = [...truth.values()].filter(({ seq }) => low <= seq && seq <= high);
    assert.deepEqual(sorted(timeline.between(low, high)), sorted(stated));
  }
}

test("a stored message is the same when it is read again", () => {
  const replica = applied(randomLog(chance(3)), LENGTH);
  for (const row of replica.timeline.rows()) {
    const event = row.value as Event | undefined;
    if (event?.kind !== "message") continue;
    assert.deepEqual(messageFrom(ROOM, JSON.parse(JSON.stringify(event))), replica.timeline.messages.get(event.seq));
  }
});
