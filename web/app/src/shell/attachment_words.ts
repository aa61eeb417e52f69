/** A message without a text, in a word or two. */
import type { Body } from "@chatd/client";
import { t } from "../locale/locale.js";

/** Return words for the attachments of a message: what it is, if it is one thing. */
export function wordsOf(body: Body | undefined): string {
  const attachments = (body?.attachments ?? []) as readonly { kind?: string; name?: string }[];
  const [first, ...rest] = attachments;
  const kind = rest.every((one) => one.kind === first?.kind) && KINDS.find((one) => one === first?.kind);
  if (kind) return t(`row.${kind}`, { count: attachments.length });
  return (!rest.length && first?.kind === "file" && first.name) || t("row.attachments", { count: attachments.length || 1 });
}

const KINDS = ["picture", "video", "voice"] as const;
