/** The client inside a shadow root, or a page for frames: one in a page, since the state of the client is one.
 *
 * Its routes stay in memory, for the address belongs to the page around it. With the layout `chat` one chat fills it.
 */
import { effect } from "@preact/signals";
import { render } from "preact";
import base from "../style/base.css?text";
import list from "../style/list.css?text";
import shell from "../style/shell.css?text";
import tokens from "../style/tokens.css?text";
import { LANGUAGES, type Language } from "../locale/locale.js";
import { openDirect } from "../people/open_direct.js";
import { applyAccent } from "../shell/accent.js";
import { App } from "../shell/app.js";
import { startBanner } from "../shell/banner.js";
import { startKeyboard } from "../shell/keyboard.js";
import { go, openRoom, onlyChat, startRoutes } from "../shell/router.js";
import { hostToken, useServer } from "../shell/server.js";
import { closeSession, config, stage, startSession, useTokens } from "../shell/session.js";
import { overrideSettings, startSettings } from "../shell/settings.js";
import { adopt, adoptIn } from "../shell/styles.js";
import { closed, phase, roomList, totalUnread } from "../shell/state.js";

export interface EmbedOptions {
  /** The address of the server, with a slash at its end. */
  server: string;
  /** Gives a token of the user of the page; null: `tokenUrl`, or the server's own login. */
  token: (() => string | Promise<string>) | null;
  tokenUrl: string | null;
  /** The room, or the user, whose chat is shown at first. */
  room: string | null;
  peer: string | null;
  lang: string | null;
  theme: "light" | "dark" | "auto";
  layout: "full" | "chat";
  /** Tells the page: `unread` {unread, mentions}, `open` {room}, `error` {code, message}. */
  emit: (name: "unread" | "open" | "error", detail: object) => void;
}

export interface Embedded {
  change: (options: EmbedOptions) => void;
  unmount: () => void;
}

let styled = false;

/** Show the client in `root`. */
export async function mount(root: ShadowRoot | HTMLElement, options: EmbedOptions): Promise<Embedded> {
  const drop = adoptIn(root instanceof ShadowRoot ? root : document);
  styled ||= (adopt([tokens, base, shell, list, host].join("\n")), true);
  const frame = document.createElement("div");
  frame.className = "frame";
  frame.part.add("panel");
  root.append(frame);
  let now = options;
  apply(options);
  await startSettings(frame);
  useServer(options.server);
  startRoutes({ name: "chats" });
  startKeyboard(frame);
  const stops = [startBanner(), report((name, detail) => now.emit(name, detail))];
  if (options.token || options.tokenUrl) useTokens(() => tokenOf(now));
  void startSession();
  const own = getComputedStyle(frame).getPropertyValue("--chatd-accent");
  const colour = effect(() => applyAccent(frame, own || config.value?.accent));
  const show = effect(() => void (phase.value === "ready" && void showWanted(now)));
  render(<App />, frame);
  return {
    change(next) {
      const moved = next.room !== now.room || next.peer !== now.peer;
      now = next;
      apply(next);
      if (moved && phase.peek() === "ready") void showWanted(next);
    },
    unmount() {
      for (const stop of [show, colour, ...stops]) stop();
      closeSession();
      render(null, frame);
      frame.remove();
      drop();
    },
  };
}

/** Of the element itself: it fills the box that the page gives it. */
const host = `
  :host { display: block; }
  :host([hidden]) { display: none; }
  .frame, .frame > .app { block-size: 100%; }
`;

function apply({ theme, lang, layout }: EmbedOptions): void {
  const language = lang && lang in LANGUAGES ? (lang as Language) : "";
  overrideSettings({ theme, language });
  onlyChat.value = layout === "chat";
}

async function tokenOf({ token, tokenUrl }: EmbedOptions): Promise<string | null> {
  return token ? token() : tokenUrl ? hostToken(tokenUrl) : null;
}

async function showWanted({ room, peer }: EmbedOptions): Promise<void> {
  if (room) go({ name: "chat", room, about: false });
  else if (peer) await openDirect(peer);
}

/** Tell the page what happens. */
function report(emit: EmbedOptions["emit"]): () => void {
  const stops = [
    effect(() => {
      const mentions = roomList.value.reduce((sum, room) => sum + room.mentions.value, 0);
      emit("unread", { unread: totalUnread.value, mentions });
    }),
    effect(() => void (openRoom.value && emit("open", { room: openRoom.value }))),
    effect(() => {
      const end = closed.value;
      if (end) emit("error", { code: String(end.code), message: end.reason });
      else if (stage.value === "unreachable") emit("error", { code: "unreachable", message: "" });
    }),
  ];
  return () => stops.forEach((stop) => stop());
}
