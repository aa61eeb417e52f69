/** The page: settings first, then the session, then the screens. */
import "./style/tokens.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/list.css";
import { effect } from "@preact/signals";
import { render } from "preact";
import { applyAccent } from "./shell/accent.js";
import { loadChatScreen } from "./rooms/chat_pane.js";
import { startDays } from "./locale/dates.js";
import { App } from "./shell/app.js";
import { startBanner } from "./shell/banner.js";
import { startKeyboard } from "./shell/keyboard.js";
import { startRoutes } from "./shell/router.js";
import { startPush } from "./shell/push.js";
import { linkInAddress, takeLink } from "./shell/server.js";
import { config, startSession } from "./shell/session.js";
import { startSettings } from "./shell/settings.js";
import { startTitle } from "./shell/title.js";
import { startUpdates } from "./shell/update.js";

// A login link that is opened in a tab which shows the client already begins anew. The new page takes it: what this
// one has under way, a sign-in of somebody else perhaps, would otherwise be kept as the user of the tab.
window.addEventListener("hashchange", () => linkInAddress() && location.reload());
takeLink();
await startSettings(document.documentElement);
startRoutes();
startBanner();
startTitle();
startDays();
startKeyboard(window);
startUpdates();
startPush();
effect(() => applyAccent(document.documentElement, config.value?.accent));
void startSession();
render(<App />, document.body);
// So that the first chat opens at once.
const later = () => void loadChatScreen().catch(() => undefined);
if ("requestIdleCallback" in window) requestIdleCallback(later, { timeout: 3000 });
else setTimeout(later, 1000);
