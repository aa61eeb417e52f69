/** The styles of groups and their links, loaded with the first of their screens. */
import "../people/people_styles.js";
import { adopt } from "../shell/styles.js";
import css from "../style/groups.css?text";

adopt(css);
