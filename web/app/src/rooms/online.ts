/** The members of a group who are online, counted only where all members are watched: a part of them would be no answer. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { client, phase, presenceOf, type RoomState } from "../shell/state.js";
import { useWatched } from "../shell/watching.js";

/** Members of the largest group whose presence is counted: tabs share what may be watched, and the list has its part. */
const MOST = 50;

/** The number of members who are online; 0 for a direct room, a channel and a large group, and until it is known. */
export function useOnline(room: RoomState): number {
  const users = useSignal<readonly string[]>([]);
  const { peer, members, kind } = room.summary.value;
  const counted = phase.value === "ready" && !peer && kind !== "channel" && members <= MOST;
  useEffect(() => {
    let current = true;
    const take = (found: readonly string[]) => current && (users.value = found);
    if (counted) {
      const reply = client().call({ type: "members.list", room: room.id, limit: MOST });
      void reply.then(({ members: found, more }) => take(more ? [] : found.map(({ user }) => user)), () => take([]));
    } else take([]);
    return () => void (current = false);
  }, [room.id, members, counted]);
  useWatched(users.value);
  return users.value.filter((user) => presenceOf(user).value.state === "online").length;
}
