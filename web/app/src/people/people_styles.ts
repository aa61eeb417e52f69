/** The styles of people, loaded with the first of their screens. */
import "../style/pages.js";
import { adopt } from "../shell/styles.js";
import css from "../style/people.css?text";

adopt(css);
