/** The pictures behind chats, and the swatches to choose from, loaded with the first chat or its settings. */
import { adopt } from "../shell/styles.js";
import css from "./wallpapers.css?text";

adopt(css);

/** Their names, as `wallpaper` has them (protocol.md, "preferences"); the empty one is plain. */
export const WALLPAPERS = ["", "dunes", "mist", "meadow", "dusk", "dots", "grid"] as const;
