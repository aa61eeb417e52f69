/** The text of an error: what happened, what is safe, what to press. */
import { notify } from "./announcer.js";
import { t, type TextKey } from "../locale/locale.js";

const TEXTS: Readonly<Record<string, TextKey>> = {
  forbidden: "error.forbidden",
  not_member: "error.not_member",
  not_found: "error.not_found",
  gone: "error.gone",
  too_large: "error.too_large",
  room_full: "error.room_full",
  quota: "error.quota",
  rate_limited: "error.rate_limited",
  bad_request: "error.bad_request",
  conflict: "error.conflict",
  rejected: "error.rejected",
  muted: "error.muted",
  refused: "error.refused",
  blocked: "error.blocked",
  request_pending: "error.request_pending",
  not_supported: "error.not_supported",
};

/** The words for which there is a sentence: those of the server, and some that hosts use. */
const REASONS = ["direct_rooms", "mentions", "links", "limited", "advertising", "spam", "abuse", "hate", "sexual", "violence", "fraud"] as const;

/** Return a sentence about an error of the SDK; one without a code means that no answer came. */
export function errorText(error: unknown): string {
  const { code, reason } = (error ?? {}) as { code?: unknown; reason?: unknown };
  const word = code === "rejected" && REASONS.find((one) => one === reason);
  if (word) return t(`rejected.${word}`);
  return t(typeof code === "string" ? (TEXTS[code] ?? "error.unknown") : "error.unreachable");
}

/** Do something at the server; a failure is shown as a notice, and the result is then undefined. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    notify(errorText(error));
    return undefined;
  }
}
