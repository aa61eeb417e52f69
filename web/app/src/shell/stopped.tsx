/** The pages that end a session: the server says that this client must not come back by itself. */
import { t, type TextKey } from "../locale/locale.js";
import type { End } from "./app.js";
import { Empty, type Drawing } from "./drawings.js";
import { toSignIn } from "./session.js";

interface Page {
  drawing: Drawing;
  title: TextKey;
  text: TextKey;
  action: TextKey;
  press: () => void;
}

const reload = () => location.reload();

/** By close code (protocol.md, "Close codes"). */
const PAGES: Readonly<Record<End, Page>> = {
  4101: { drawing: "locked", title: "stopped.token.title", text: "stopped.token", action: "signin.submit", press: toSignIn },
  4202: { drawing: "locked", title: "stopped.banned.title", text: "stopped.banned", action: "signin.another", press: toSignIn },
  4203: { drawing: "update", title: "stopped.version.title", text: "stopped.version", action: "action.reload", press: reload },
  4204: { drawing: "broken", title: "stopped.protocol.title", text: "stopped.protocol", action: "action.reload", press: reload },
};

export function Stopped({ code }: { code: End }) {
  const { drawing, title, text, action, press } = PAGES[code];
  return (
    <main class="full">
      <Empty drawing={drawing} title={t(title)} text={t(text)}>
        <button type="button" class="button primary" onClick={press}>
          {t(action)}
        </button>
      </Empty>
    </main>
  );
}
