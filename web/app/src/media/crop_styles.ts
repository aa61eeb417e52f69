/** The styles of the dialog that chooses the part of a picture, loaded with it. */
import { adopt } from "../shell/styles.js";
import css from "./crop.css?text";

adopt(css);
