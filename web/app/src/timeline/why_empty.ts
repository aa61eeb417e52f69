/** Why a message has no text: its author recalled it, or was erased. The card of an erased person says so only to those
 * who have something in common with them; the log says it to every reader (protocol.md, "Erased people"). */
import { useEffect } from "preact/hooks";
import type { Message } from "@chatd/client";
import { client } from "../shell/state.js";
import { noteErased, userOf } from "../shell/users.js";

const asked = new Set<string>();

/** Look in the log when the author of an empty message has no name. */
export function useWhyEmpty({ room, user, recalled, changed }: Message): void {
  const { realName, erased } = userOf(user).value;
  const isOpen = recalled && changed > 0 && realName === user && !erased;
  useEffect(() => void (isOpen && look(room, user, changed)), [isOpen]);
}

async function look(room: string, user: string, changed: number): Promise<void> {
  const place = `${room} ${changed}`;
  if (asked.has(place)) return;
  asked.add(place);
  try {
    // One that has both ends is of an admin who banned them.
    const { events } = await client().call({ type: "log", room, from: changed, to: changed });
    if (events.some((event) => event.kind === "erased" && event.user === user && !(event.from && event.to))) noteErased(user);
  } catch {
    asked.delete(place);
  }
}
