/** The page: settings first, then the session, then the screens. */
import "./style/tokens.css";
import "./style/base.css";
import { render } from "preact";
import { startRoutes } from "./shell/router.js";

startRoutes();
render(<main class="app" />, document.body);
