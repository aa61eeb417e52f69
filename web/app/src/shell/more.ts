/** What parts that are loaded later share beside their code: texts and icons. */
import { loadMoreTexts } from "../locale/locale.js";
import { addIcons } from "./icons.js";

/** Load it; to be awaited before any of these parts is shown. */
export async function loadMore(): Promise<void> {
  await Promise.all([loadMoreTexts(), import("./more_icons.js").then(({ MORE }) => addIcons(MORE))]);
}
