/** The mark of an account that is no person: a bot, or the voice of the host. It stands wherever the name does. */
import { t } from "../locale/locale.js";

export function Kind({ kind }: { kind: string }) {
  if (kind !== "bot" && kind !== "official") return null;
  return <span class="role kind">{t(`kind.${kind}`)}</span>;
}
