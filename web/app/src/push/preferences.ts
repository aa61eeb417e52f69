/** What the user wants to be notified of, on all devices. */
import type { Level } from "@chatd/client/people";
import { pushPreferencesOf, setPushPreferences, type PushPreferences } from "@chatd/client/push";
import { attempt } from "../shell/errors.js";
import { client, preferences } from "../shell/state.js";

export const LEVELS: readonly Level[] = ["all", "mentions", "none"];

/** What they chose; the caller is drawn again when it changes. */
export function wishes(): PushPreferences {
  preferences.value;
  return pushPreferencesOf(client());
}

/** Change a part of it; a failure is shown, and nothing is changed. */
export function setWishes(change: Partial<PushPreferences>): void {
  void attempt(() => setPushPreferences(client(), change));
}
