// This client under test by the conformance kit: one JSON object a line in, one out (docs/conformance.md, "A testee").
//
//     node web/sdk/build.mjs --debug    (private names stay as they are: the state is read from inside)
//     chatd conformance run --testee "node --experimental-websocket web/sdk/testee.mjs"
//
// On a virtual clock, unless `--time real` is given: nothing waits, and what is due is done in its order.
import { createInterface } from "node:readline";

import { MemoryStorage, SystemEnv } from "./dist/index.js";
import { json } from "./dist/json.js";
import { msgpack } from "./dist/msgpack.js";
import { forward, isDeleted, isRetained, join, verify } from "./dist/conversations.js";
import { FileStorage } from "./dist/node.js";
import { Client, circlesOf } from "./dist/people.js";
import { press, report } from "./dist/platform.js";

const PROFILES = [
  ...["core", "persistence", "edits", "read_state", "large_rooms", "background", "account", "people"],
  ...["reports", "bots", "conversations", "channels", "json", "deflate"],
];

/** The sections of account rows whose values are shown as they are. */
const SECTIONS = ["account", "joins", "drafts", "scheduled"];

/** Turns of the event loop after which everything that was received is handled. */
const TURNS = 24;

/** What is under way elsewhere: until it is done, nothing is settled. */
let underWay = 0;

/** A file that says whether it is being written. */
class BusyStorage extends FileStorage {
  async write(rows, durable) {
    underWay += 1;
    try {
      await super.write(rows, durable);
    } finally {
      underWay -= 1;
    }
  }
}

/** The usual encoding, which says whether the platform still inflates a frame. */
const watched = {
  ...msgpack,
  decode(frame) {
    const packets = msgpack.decode(frame);
    if ("then" in packets) {
      underWay += 1;
      const done = () => (underWay -= 1);
      packets.then(done, done);
    }
    return packets;
  },
};

/** The hashes of the platform, which are made elsewhere. */
const hasher = {
  async digest(...asked) {
    underWay += 1;
    try {
      return await crypto.subtle.digest(...asked);
    } finally {
      underWay -= 1;
    }
  },
};

/** Return when everything that has arrived was handled, and written what came of it. */
async function settled() {
  for (let busy = true; busy; ) {
    busy = underWay > 0;
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
    busy ||= underWay > 0;
    // A server that never answers an upgrade is waited for as long as it likes, at no cost.
    if (busy) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Time that moves by `advance` only; chance is real. */
class VirtualEnv extends SystemEnv {
  nowS = 1000;
  timers = [];

  monotonic() {
    return this.nowS;
  }

  timeMs() {
    return 1_763_900_000_000 + Math.floor(1000 * this.nowS);
  }

  // A connection that the system still makes is on its way: nothing says how soon, and the kit always answers one.
  connect(url, protocols) {
    const socket = super.connect(url, protocols);
    underWay += 1;
    let done = () => {
      underWay -= 1;
      done = () => {};
    };
    for (const event of ["open", "error", "close"]) socket.addEventListener(event, () => done());
    return socket;
  }

  callLater(delayS, action) {
    const timer = { at: this.nowS + Math.max(0, delayS), action };
    // Those of one time in the order they were set.
    const at = this.timers.findIndex((other) => other.at > timer.at);
    this.timers.splice(at < 0 ? this.timers.length : at, 0, timer);
    return { cancel: () => (this.timers = this.timers.filter((other) => other !== timer)) };
  }

  /** Let time pass; what comes due is done at its time, and what follows from it before the next. */
  async advance(seconds) {
    const end = this.nowS + seconds;
    await settled();
    while (this.timers.length && this.timers[0].at <= end + 1e-9) {
      const { at, action } = this.timers.shift();
      this.nowS = Math.max(this.nowS, at);
      action();
      await settled();
    }
    this.nowS = Math.max(this.nowS, end);
  }
}

const real = process.argv.slice(2).join(" ") === "--time real";
const env = real ? new SystemEnv() : new VirtualEnv();
const asks = new Map();
let client;
let added = {};

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

function running() {
  if (!client) throw new Error("nothing was started");
  return client;
}

async function close() {
  const closing = client;
  client = undefined;
  await closing?.close();
}

function token() {
  const id = 1 + Math.max(0, ...asks.keys());
  say({ type: "ask", id, what: "token" });
  return new Promise((resolve, reject) => asks.set(id, { resolve, reject }));
}

const ACTIONS = {
  post: async (room, line) => ({ key: await room.post(line.body ?? line.text, { silent: line.silent }) }),
  edit: (room, line) => room.edit(line.target, line.body ?? line.text),
  recall: (room, line) => room.recall(line.target),
  react: (room, line) => room.react(line.target, line.emoji, line.set ?? true),
  pin: (room, line) => room.pin(line.target, line.set ?? true),
  read: (room, line) => room.read(line.seq),
  typing: (room) => room.typing(),
  open: (room) => {
    client.focus([room]);
    return room.timeline(50);
  },
  leave: () => client.focus([]),
  older: (room, line) => {
    const oldest = room.cached()[0]?.seq ?? room.applied + 1;
    return room.history({ before: line.before ?? oldest, limit: line.limit ?? 50 });
  },
  resend: (_, line) => client.resend(line.key),
  discard: (_, line) => client.discard(line.key),
  watch: (_, line) => client.watch(line.users),
  friend: (_, { user, step, note, via }) => client[`${step}Friend`](user, set({ note, via })),
  contact: (_, { type, id, what, user, ...change }) => client.setContact(user, change),
  cards: (_, line) => client.fetchUsers(line.users),
  accept: (_, line) => client.acceptRoom(line.room),
  decline: (_, line) => client.declineRoom(line.room, { block: line.block }),
  report: (_, { type, id, what, reason, text, ...subject }) => report(client, subject, reason, set({ text })),
  press: (room, { target, data }) => {
    const { body } = room.cached().find(({ seq }) => seq === target);
    return press(room, target, body.buttons.flat().find((button) => button.data === data));
  },
  join: (_, line) => join(client, line.room, line.text),
  forward: (room, line) => forward(client.room(line.from), line.seqs, room),
  verify: () => verify(client, hasher),
  sync: () => client.sync(),
  call: (_, line) => client.call(line.packet),
};

const LINES = {
  async start(line) {
    await close();
    client = new Client({
      url: line.url,
      token,
      device: line.device ?? "",
      storage: line.storage ? new BusyStorage(line.storage) : new MemoryStorage(),
      env,
      codec: line.encoding === "json" ? json : watched,
      settings: { app: "testee", previews: false, log: (text) => console.error(text) },
    });
    added = {};
    client.on((change) => {
      if (change.kind === "messageAdded") added[change.room] = (added[change.room] ?? 0) + 1;
    });
    if (line.mode === "background") client.background();
    await client.start();
  },

  async do(line) {
    const begun = ACTIONS[line.what](running().room(line.room ?? ""), line);
    if (line.what === "post") return begun;
    // It is seen on the wire and in the state; the message helps those who read it.
    Promise.resolve(begun).catch((error) => console.error(String(error)));
    return {};
  },

  async life({ what }) {
    if (what === "stop") return close();
    const done = { network_changed: () => client.networkChanged() }[what] ?? (() => client[what]());
    Promise.resolve(running() && done()).catch((error) => console.error(String(error)));
    return {};
  },

  async clock({ advance_ms }) {
    await env.advance(advance_ms / 1000);
    const next = env.timers[0];
    return next ? { next_ms: 1000 * (next.at - env.nowS) } : {};
  },

  async state(line) {
    if (!real) await settled();
    const { account } = running()._engine;
    const rooms = (line.room ? [line.room] : [...account.replicas.keys()]).filter((room) => account.replicas.has(room));
    return {
      phase: client.phase.toUpperCase(),
      ...(client.closed && { code: client.closed.code }),
      epoch: account.epoch,
      cursor: account.cursor,
      outbox: client.outbox.map(({ key, room, state, error }) => ({ key, room, state: state.toUpperCase(), ...set({ reason: error?.reason }) })),
      rooms: Object.fromEntries(rooms.map((room) => [room, stateOf(client.room(room), account.replicas.get(room))])),
      added,
      account: Object.fromEntries(SECTIONS.map((section) => [section, client.accountRows(section)])),
      presence: Object.fromEntries([...client.presence].map(([user, { state }]) => [user, state])),
      contacts: Object.fromEntries([...client.contacts].map(([user, contact]) => [user, contactOf(contact)])),
      users: Object.fromEntries(client.users),
    };
  },
};

function stateOf(room, { timeline }) {
  const { events, ...summary } = room.summary;
  return {
    applied: room.applied,
    head: room.head,
    read: room.readTo,
    unread: room.unread,
    unread_mentions: room.unreadMentions,
    messages: timeline.between(0, Infinity)
      .filter((message) => !isDeleted(summary.deleted, message.seq) && isRetained(summary, message, env.timeMs()))
      .map(messageOf),
    cached: timeline.cached.parts,
    summary,
    receipts: Object.fromEntries([...room.receipts].map(([user, { read, delivered }]) => [user, set({ read, delivered })])),
    typing: room.typists,
  };
}

function contactOf({ stamp, state, remark = "", following = false, blocked = false, ...rest }) {
  return { stamp, state, remark, following, blocked, circles: circlesOf({ ...rest, stamp }, client.circles) };
}

function messageOf({ seq, user, text, body, recalled, pinned, edited, reactions, mine }) {
  const counts = Object.keys(reactions).length ? reactions : 0;
  const buttons = body?.buttons;
  return { seq, user, text, ...set({ recalled, pinned, edited, buttons, reactions: counts, mine: mine.length && [...mine].sort() }) };
}

function set(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
}

async function take(line) {
  try {
    say({ type: "ok", id: line.id, ...(await LINES[line.type](line)) });
  } catch (error) {
    say({ type: "error", id: line.id, message: String(error) });
  }
}

say({ type: "hello", client: "@chatd/client", profiles: PROFILES, time: real ? "real" : "virtual" });
for await (const text of createInterface({ input: process.stdin })) {
  const line = JSON.parse(text);
  if (line.type !== "token") void take(line);
  // A token is waited for by what is being done.
  else if ("token" in line) asks.get(line.id).resolve(line.token);
  else asks.get(line.id).reject(new Error("the app has no token now"));
}
// The kit is gone, and with it the reason to connect again and again.
process.exit();
