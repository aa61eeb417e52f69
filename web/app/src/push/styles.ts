/** The styles of notifications, loaded with the first of their screens. */
import "../style/pages.js";
import { adopt } from "../shell/styles.js";
import css from "../style/push.css?text";

adopt(css);
