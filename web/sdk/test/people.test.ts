/** Contacts and cards: however rows come, on whichever tab, and once a day. */

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Change } from "../src/core/changes.js";
import type { AccountRow, Packet, Profile } from "../src/core/packets.js";
import { CARDS_MS, PeopleAccount, type PeopleDelegate } from "../src/core/people.js";
import { MemoryStorage } from "../src/storage.js";
import { chance, settled, WELCOME } from "./kit.js";
import { pair } from "./local_tabs.js";

const HELLO = { ...WELCOME, features: ["account", "people"], type: "ok", id: 1 };

/** The rest of a client: notes what changed and what was asked. */
class Rest {
  readonly users = new Map<string, Profile>();
  readonly changes: Change[] = [];
  readonly asked: Packet[] = [];
  replies: Packet[] = [];
  now = 1_763_900_000_000;
  readonly env = { timeMs: () => this.now };

  onChange(change: Change): void {
    this.changes.push(change);
  }

  async keepUsers(users: readonly Profile[]): Promise<void> {
    for (const one of users) this.users.set(one.user, one);
  }

  call(packet: Packet): Promise<Packet> {
    this.asked.push(packet);
    const reply = this.replies.shift();
    return reply ? Promise.resolve(reply) : Promise.reject(new Error("refused"));
  }

  onGap(): void {}
  onBehind(): void {}
  onOwnMessage(): void {}
  onUnstored(): void {}
  log(): void {}
}

function accountOf(rest: Rest): PeopleAccount {
  const account = new PeopleAccount(rest as unknown as PeopleDelegate, 100);
  account.takeHello(HELLO as never);
  return account;
}

const page = (rows: AccountRow[], more: Packet = {}) => ({ rooms: [], cursor: "c", sections: { contacts: rows }, ...more });

for (let seed = 1; seed <= 40; seed++) {
  test(`contacts are those of the highest stamps, seed ${seed}`, async () => {
    const random = chance(seed);
    const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]!;
    const history = Array.from({ length: 12 }, (_, index): AccountRow => {
      const row = { name: pick(["ann", "bob", "carol"]), stamp: index + 1 };
      const value = pick([undefined, { state: "friend" }, { state: "later" }, { blocked: true, remark: "Bo" }]);
      return value ? { ...row, value } : row;
    });
    const rest = new Rest();
    const storage = new MemoryStorage();
    let account = accountOf(rest);
    for (const row of [...history, ...history].sort(() => random() - 0.5)) {
      const way = pick(["page", "push", "reply", "restart"]);
      if (way === "restart") {
        await storage.write(account.records());
        account = new PeopleAccount(rest as unknown as PeopleDelegate, 100);
        account.restore(await storage.load());
      }
      if (way === "push") account.takePush({ type: "account", sections: { contacts: [row] } });
      else if (way === "reply") account.takeContact({ user: row.name, stamp: row.stamp, ...(row.value as object) });
      else account.takeSync(page([row]));
    }
    const last = new Map(history.map((row) => [row.name, row]));
    const held = [...last.values()].filter((row) => row.value) as { name: string; stamp: number; value: Packet }[];
    const expected = held.map(({ name, stamp, value }) => [name, stamp, value.state === "friend" ? "friend" : "none"]);
    const contacts = [...account.rows.contacts.values()].map(({ user, stamp, state }) => [user, stamp, state]);
    assert.deepEqual(contacts.sort(), expected.sort());
    const blocked = held.filter(({ value }) => value.blocked).map(({ name }) => name);
    assert.deepEqual([...account.rows.blocked].sort(), blocked.sort());
  });
}

test("cards that changed are asked for once a day, whatever became of the last question", async () => {
  const rest = new Rest();
  const account = accountOf(rest);
  account.takeSync(page([{ name: "ann", stamp: 50, value: { state: "friend" } }], { more: "m", cursor: undefined }) as never);
  account.takeSync(page([{ name: "bob", stamp: 60, value: { state: "friend" } }]));
  account.takeSync(page([]));
  rest.now += CARDS_MS;
  rest.replies = [{ users: [{ user: "ann", version: 2 }], more: "m1" }, { users: [], stamp: 77 }];
  for (const _ of [1, 2]) account.takeSync(page([]));
  await settled();
  assert.deepEqual(rest.asked, [{ type: "users.get", since: 50 }, { type: "users.get", more: "m1" }]);
  for (const _ of [1, 2]) {
    rest.now += CARDS_MS;
    account.takeSync(page([]));
    await settled();
    assert.deepEqual(rest.asked.at(-1), { type: "users.get", since: 77 });
  }
  assert.equal(rest.asked.length, 4);
});

test("a newer version makes a card stale", () => {
  const rest = new Rest();
  rest.users.set("ann", { user: "ann", version: 3 }).set("bob", { user: "bob", version: 3 });
  const users = [{ user: "ann", version: 4 }, { user: "bob", version: 3 }, { user: "dan", version: 1 }];
  accountOf(rest).takePush({ type: "profiles", users });
  assert.deepEqual([...rest.users.values()], [{ user: "ann", version: 3, stale: true }, { user: "bob", version: 3 }]);
});

test("a step of a tab that follows goes out once, and both tabs have what became of it", async () => {
  const contacts = [{ name: "u7", stamp: 50, value: { state: "received" } }];
  const { leader, follower, socket } = await pair({ features: HELLO.features, sync: page(contacts, { full: true }) });
  assert.deepEqual(follower.client.features, HELLO.features);
  assert.equal(follower.client.friendRequests, 1);
  const accepted = follower.client.acceptFriend("u7");
  const asked = await socket.take("friend.accept");
  assert.equal(asked.seen, 50);
  const row = { stamp: 60, value: { state: "friend" } };
  socket.push({ type: "account", sections: { contacts: [{ name: "u7", ...row }] } });
  socket.push({ type: "ok", id: asked.id, contact: { user: "u7", stamp: 60, state: "friend" } });
  assert.equal((await accepted).state, "friend");
  await settled();
  for (const { client } of [leader, follower]) assert.equal(client.contacts.get("u7")!.state, "friend");
});

test("a change is repeated when only something else changed, and not over what nobody saw", async () => {
  const contacts = [{ name: "u7", stamp: 50, value: { state: "received", remark: "Bo" } }];
  const { leader: { client }, socket } = await pair({ features: HELLO.features, sync: page(contacts) });
  const refuse = async (row: Packet) => {
    const asked = await socket.take("contact.set");
    socket.push({ type: "account", sections: { contacts: [{ name: "u7", ...row }] } });
    socket.push({ type: "error", id: asked.id, code: "conflict", retry: "never", field: "seen" });
  };
  const blocking = client.setContact("u7", { blocked: true });
  await refuse({ stamp: 60, value: { state: "friend", remark: "Bo" } });
  const again = await socket.take("contact.set");
  assert.deepEqual([again.seen, again.blocked], [60, true]);
  socket.push({ type: "ok", id: again.id, contact: { user: "u7", stamp: 70, state: "friend", remark: "Bo", blocked: true } });
  assert.equal((await blocking).blocked, true);
  const naming = client.setContact("u7", { remark: "Bobby" });
  await refuse({ stamp: 80, value: { state: "friend", remark: "Robert" } });
  await assert.rejects(naming, { code: "conflict" });
  assert.equal(client.contacts.get("u7")!.remark, "Robert");
});

test("it counts as things were when a message came, however late it is applied", () => {
  const account = accountOf(new Rest());
  const block = (stamp: number, value?: Packet) => {
    account.takePush({ type: "account", sections: { contacts: [{ name: "bob", stamp, ...(value && { value }) }] } });
  };
  account.takeSync({ rooms: [{ room: "g", seq: 1, members: 5 }], cursor: "c" });
  account.replica("g").timeline.resume(1);
  const log = Array.from({ length: 198 }, (_, index) => {
    const seq = index + 2;
    return { seq, kind: "message", user: index ? "bob" : "ann", time: seq, ordinal: seq - 1, body: { text: "Hi" } };
  });
  account.takeEvents("g", [log[1]!]);
  block(5, { blocked: true });
  for (const event of log.slice(2, -1)) account.takeEvents("g", [event]);
  block(6);
  account.takeEvents("g", [log.at(-1)!]);
  const replica = account.replica("g");
  assert.equal(replica.badge, 3);
  account.takeEvents("g", log);
  assert.deepEqual([replica.unread, replica.badge], [3, 3]);
});
