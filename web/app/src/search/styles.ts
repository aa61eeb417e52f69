/** The styles of the search and of what is unread, loaded with the first of their screens. */
import "../groups/group_styles.js";
import { adopt } from "../shell/styles.js";
import css from "../style/search.css?text";

adopt(css);
