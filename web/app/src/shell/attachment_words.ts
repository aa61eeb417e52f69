/** A message without a text, in a word or two. */
import type { Body } from "@chatd/client";
import { t } from "../locale/locale.js";

/** Return words for the attachments of a message: what it is, if it is one thing. */
export function wordsOf({ attachments = [] }: Body = {}): string {
  const [first] = attachments;
  const { kind = "" } = first ?? {};
  const count = attachments.length || 1;
  const isOne = attachments.every((one) => one.kind === kind);
  if (isOne && /^(picture|video|voice)$/.test(kind)) return t(`row.${kind as "picture"}`, { count });
  return (count === 1 && kind === "file" && first?.name) || t("row.attachments", { count });
}
