/** Clients with one storage, one of which leads: without a browser, by a channel in memory. */

import type { Change } from "../src/core/changes.js";
import type { Packet } from "../src/core/packets.js";
import { Client } from "../src/people.js";
import { MemoryStorage } from "../src/storage.js";
import { TabEngine } from "../src/tab_engine.js";
import type { Answer, Ask, News, Tab, Tabs } from "../src/tab_link.js";
import { settled, StillEnv, welcome } from "./kit.js";

export const ROOM = "d7Qw2nB5cYtL";
export const SYNC = { cursor: "AAAD1A", rooms: [{ room: ROOM, seq: 0, peer: "u7" }], full: true };

/** A channel between tabs: the first that starts leads, until it stops. */
class Channel {
  private readonly _tabs: LocalTabs[] = [];
  private _joined = 0;

  join(): LocalTabs {
    return new LocalTabs(this, `t${this._joined++}`);
  }

  async started(tabs: LocalTabs): Promise<void> {
    this._tabs.push(tabs);
    await (this._tabs.length === 1 ? tabs.tab!.lead() : tabs.tab!.follow());
  }

  publish(from: LocalTabs, news: News): void {
    for (const tabs of this._tabs) if (tabs !== from) queueMicrotask(() => tabs.tab!.take(structuredClone(news)));
  }

  async ask(ask: Ask): Promise<Answer> {
    return structuredClone(await this._tabs[0]!.tab!.perform(structuredClone(ask)));
  }

  /** The second tab takes the lead; the first finds out afterwards. */
  async steal(): Promise<void> {
    const [first, second] = this._tabs.splice(0, 2, this._tabs[1]!, this._tabs[0]!);
    await second!.tab!.lead();
    await settled();
    await first!.tab!.follow();
  }

  async stopped(tabs: LocalTabs): Promise<void> {
    this._tabs.splice(this._tabs.indexOf(tabs), 1);
    await this._tabs[0]?.tab!.lead();
  }
}

class LocalTabs implements Tabs {
  tab: Tab | undefined;

  constructor(private readonly _channel: Channel, readonly id: string) {}

  start(tab: Tab): Promise<void> {
    this.tab = tab;
    return this._channel.started(this);
  }

  publish(news: News): void {
    this._channel.publish(this, news);
  }

  ask(ask: Ask): Promise<Answer> {
    return this._channel.ask(ask);
  }

  stop(): Promise<void> {
    return this._channel.stopped(this);
  }
}

export function browser() {
  const env = new StillEnv();
  const storage = new MemoryStorage();
  const channel = new Channel();
  const make = () => {
    const changes: Change[] = [];
    const settings = { log: () => {} };
    const options = { url: "ws://127.0.0.1/v1/ws", token: () => "a token", env, storage, settings };
    const client = new Client({ ...options, engine: (parts) => new TabEngine(parts, channel.join()) });
    client.on((change) => changes.push(change));
    return { client, changes };
  };
  return { env, storage, channel, make };
}

/** Return a leader with its socket, which was welcomed with this reply, and a follower. */
export async function pair(reply: Packet = {}) {
  const { env, channel, make } = browser();
  const [leader, follower] = [make(), make()];
  await leader.client.start();
  const socket = await env.accept(1);
  await welcome(socket, { sync: SYNC, ...reply });
  await follower.client.start();
  await settled();
  return { env, channel, make, leader, follower, socket };
}
