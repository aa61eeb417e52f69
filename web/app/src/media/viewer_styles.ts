/** The styles of the large view, loaded with it. */
import { adopt } from "../shell/styles.js";
import css from "./viewer.css?text";

adopt(css);
