/** What became of a notification, in plain words. */
import type { Decision } from "@chatd/client/push";
import { t } from "../locale/locale.js";
import { errorText } from "../shell/errors.js";
import type { IconName } from "../shell/icons.js";

/** The outcomes (protocol.md, "Asking why"), each with its picture and where its cause is changed. */
const OUTCOMES = {
  own: ["person"],
  large_room: ["people", "room"],
  departed: ["sign-out"],
  blocked: ["block"],
  request: ["info"],
  disabled: ["lock"],
  no_token: ["bell-off", "settings"],
  stale_device: ["clock", "settings"],
  prefs_off: ["bell-off", "settings"],
  muted: ["bell-off", "room"],
  mentions_only: ["tag", "room"],
  foreground: ["eye"],
  read: ["checks"],
  recalled: ["trash"],
  quiet: ["moon", "settings"],
  paced: ["clock"],
  sent: ["check"],
  sent_silent: ["check"],
  superseded: ["refresh"],
  expired: ["clock"],
  provider_busy: ["offline"],
  token_dead: ["alert", "settings"],
  provider_error: ["alert"],
} as const satisfies Record<string, readonly [IconName, ("room" | "settings")?]>;
type Outcome = keyof typeof OUTCOMES;

const known = (outcome: string): Outcome | undefined => (outcome in OUTCOMES ? (outcome as Outcome) : undefined);

/** Return a sentence about an outcome; of one of a newer server its word. */
export function reasonOf({ outcome, detail = "" }: Pick<Decision, "outcome" | "detail">): string {
  const word = known(outcome);
  if (word === "provider_error") return t("why.provider_error", { detail: detail || "?" });
  return word ? t(`why.${word}`) : t("why.unknown", { outcome });
}

/** Return a sentence about a question that got no answer. */
export function refusalText(error: unknown): string {
  return (error as { code?: string }).code === "not_supported" ? t("push.none") : errorText(error);
}

export const iconOf = (outcome: string): IconName => OUTCOMES[known(outcome) ?? "own"][0];

/** Where the cause can be changed: the settings of the room, those of notifications, or nowhere. */
export function remedyOf({ outcome, room }: Pick<Decision, "outcome" | "room">): "room" | "settings" | undefined {
  const word = known(outcome);
  const remedy = word && (OUTCOMES[word] as readonly [IconName, ("room" | "settings")?])[1];
  return remedy === "room" && !room ? "settings" : remedy;
}

/** Whether it was shown, or given to the push service to be. */
export const isSent = (outcome: string): boolean => outcome === "sent" || outcome === "sent_silent";
