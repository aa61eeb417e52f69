/** The styles of the pages, loaded with the first of them. */
import { adopt } from "../shell/styles.js";
import css from "./pages.css?text";

adopt(css);
