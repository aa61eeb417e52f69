/** The messages of the open room in a scroller whose place only its reader moves. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { number, t } from "../locale/locale.js";
import { Icon } from "../shell/icons.js";
import { lazy } from "../shell/lazy.js";
import { me, phase, type RoomChange } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { MessageRow } from "./bubble.js";
import type { Chat } from "./chat.js";
import { Day, Divider, NoteRow } from "./notes.js";

const LiveBar = lazy(async () => (await import("../media/live_bar.js")).LiveBar, <></>);

export function Timeline({ chat }: { chat: Chat }) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => chat.mount(scroller.current!, content.current!), [chat]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && chat.returns.peek().length > 0) {
      event.preventDefault();
      void chat.back();
    }
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key] as -1 | 1 | undefined;
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    chat.focusMessage(step);
  };
  return (
    <div class="timeline-frame">
      <div class="timeline" ref={scroller}>
        <div class="timeline-content" ref={content} role="feed" tabIndex={0} aria-label={t("chat.messages")} onKeyDown={onKeyDown}>
          <Beginning chat={chat} />
          <Rows chat={chat} />
        </div>
      </div>
      <Typing chat={chat} />
      <Live key={chat.state.id} chat={chat} />
      <Jumps chat={chat} />
    </div>
  );
}

function Rows({ chat }: { chat: Chat }) {
  return (
    <>
      {chat.model.rows.value.map((row) => {
        if (row.kind === "day") return <Day key={row.key} time={row.time} />;
        if (row.kind === "divider") return <Divider key={row.key} />;
        if (row.kind === "note") return <NoteRow key={row.key} chat={chat} seq={row.seq} />;
        return <MessageRow key={row.key} chat={chat} id={row.key} seq={row.seq} first={row.first} last={row.last} />;
      })}
    </>
  );
}

/** Above the first message: skeletons while there are older ones, else a word of welcome. */
function Beginning({ chat }: { chat: Chat }) {
  const ready = chat.model.ready.value;
  const first = useComputed(() => chat.model.stretch.value.first).value;
  const empty = useComputed(() => chat.model.rows.value.every((row) => row.kind !== "message" && row.kind !== "pending")).value;
  if (ready && first) return empty ? <Welcome chat={chat} /> : <div class="beginning" />;
  const stuck = chat.failed.value || phase.value !== "ready";
  return (
    <div class="bubbles-skeleton" aria-hidden={!stuck}>
      <span />
      <span />
      <span />
      {stuck && ready && <p class="quiet small">{t("chat.older-offline")}</p>}
    </div>
  );
}

function Welcome({ chat }: { chat: Chat }) {
  const { peer, kind } = chat.state.summary.value;
  if (chat.state.post) return <p class="welcome">{t("comments.none")}</p>;
  if (kind === "channel") return <p class="welcome">{t("channel.welcome")}</p>;
  if (peer === me.value) return <p class="welcome">{t("room.self.hint")}</p>;
  return (
    <div class="welcome">
      <span class="welcome-wave" aria-hidden="true">
        👋
      </span>
      <p>{peer ? t("chat.welcome.direct", { name: userOf(peer).value.name }) : t("chat.welcome.group")}</p>
      <button type="button" class="button primary" onClick={() => void chat.composer.greet()}>
        {t("chat.welcome.action")}
      </button>
    </div>
  );
}

function Typing({ chat }: { chat: Chat }) {
  const typists = chat.state.typists.value;
  const [first, second] = typists.map((user) => chat.nameOf(user));
  let text = "";
  if (typists.length > 2) text = t("chat.typing.many", { count: typists.length });
  else if (second) text = t("chat.typing.names", { first: first!, second });
  else if (first) text = t(chat.state.speaking.value ? "row.recording.name" : "chat.typing.name", { name: first });
  return (
    <p class={text ? "typing-line shown" : "typing-line"} aria-hidden="true">
      <span class="dots">
        <i />
        <i />
        <i />
      </span>
      <span class="line">{text}</span>
    </p>
  );
}

/** Those who speak, from when one does: most chats load nothing for it. */
function Live({ chat }: { chat: Chat }) {
  const first = useSignal<RoomChange | null>(null);
  useEffect(() => chat.state.listen((change) => void (change.kind === "voice" && (first.value ??= change))), [chat]);
  return first.value && <LiveBar chat={chat} first={first.value} />;
}

/** The ways back: to where a jump began, and to the newest message. */
function Jumps({ chat }: { chat: Chat }) {
  const unread = chat.state.unread.value;
  const shown = chat.far.value || (unread > 0 && chat.away.value);
  return (
    <div class="jumps">
      {chat.returns.value.length > 0 && (
        <button type="button" class="jump" aria-label={t("chat.back")} title={t("chat.back")} onClick={() => void chat.back()}>
          <Icon name="refresh" />
        </button>
      )}
      {shown && (
        <button
          type="button"
          class="jump"
          aria-label={unread ? t("chat.to-end-unread", { count: unread }) : t("chat.to-end")}
          title={t("chat.to-end")}
          onClick={() => void chat.toEnd(true)}
        >
          <Icon name="down" />
          {unread > 0 && <span class="badge">{unread > 999 ? "999+" : number(unread)}</span>}
        </button>
      )}
    </div>
  );
}
