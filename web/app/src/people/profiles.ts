/** The cards of users: fetched when they are shown, and again when their version moves. */
import { useSignal, type ReadonlySignal } from "@preact/signals";
import type { Profile } from "@chatd/client";
import { useEffect } from "preact/hooks";
import { client, phase } from "../shell/state.js";
import { userOf } from "../shell/users.js";

/** The card of a user while a component is shown; undefined until it is there. */
export function useProfile(user: string): ReadonlySignal<Profile | undefined> {
  const profile = useSignal<Profile | undefined>(undefined);
  const ready = phase.value === "ready";
  const { version } = userOf(user).value;
  useEffect(() => {
    if (!ready) return;
    let gone = false;
    // Refused for today, or the connection went: what everybody sees of the user is there already.
    client()
      .fetchCard(user)
      .then(
        (found) => gone || (profile.value = found),
        () => undefined,
      );
    return () => void (gone = true);
  }, [user, ready, version]);
  return profile;
}
