/** The names of members in a group: fetched for those who are on the screen, and followed while it is open. */
import { signal, type Signal } from "@preact/signals";
import { membersOf } from "@chatd/client/conversations";
import { client, type RoomState } from "../shell/state.js";

/** Most users of one request (protocol.md, "members.get"). */
const BATCH = 100;

export class Nicknames {
  readonly #names = new Map<string, Signal<string>>();
  #wanted = new Set<string>();

  constructor(private readonly state: RoomState) {}

  /** Follow changes while the group is open; the returned function ends that. */
  follow(): () => void {
    return this.state.listen((change) => {
      if (change.kind !== "eventAdded" || change.event.kind !== "nickname") return;
      const { user = "", users = [], nickname = "" } = change.event;
      const [other] = users;
      const name = this.#names.get(typeof other === "string" ? other : user);
      if (name) name.value = nickname;
    });
  }

  /** The name of a member in this group; empty where they have none. */
  of(user: string): string {
    let name = this.#names.get(user);
    if (!name) {
      this.#names.set(user, (name = signal("")));
      this.#want(user);
    }
    return name.value;
  }

  /** Fetch the names of all that are drawn now, in one request. */
  #want(user: string): void {
    if (this.state.summary.peek().peer || !user) return;
    this.#wanted.add(user);
    if (this.#wanted.size > 1) return;
    queueMicrotask(() => {
      const users = [...this.#wanted].slice(0, BATCH);
      this.#wanted = new Set();
      // Without an answer they are asked for when the room is opened the next time.
      membersOf(client(), this.state.id, users).then(
        (members) => {
          for (const { user: id, nickname } of members) if (nickname) this.#names.get(id)!.value = nickname;
        },
        () => undefined,
      );
    });
  }
}
