/** The dialog that finds groups and channels that their owners list (protocol.md, "Discovery"). */
import "../search/styles.js";
import { batch, signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { findRooms, type RoomCard } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { Avatar } from "../shell/avatar.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { errorText } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { go } from "../shell/router.js";
import { client, roomOf } from "../shell/state.js";
import { joinRoom } from "./join_room.js";
import { ownJoins } from "./own_joins.js";

/** Milliseconds after the last key until it is searched. */
const PAUSE_MS = 400;
const TEXT_MAX = 64;

class Discovery {
  readonly text = signal("");
  /** What was found; undefined before the first search. */
  readonly rooms = signal<readonly RoomCard[] | undefined>(undefined);
  readonly more = signal("");
  readonly problem = signal("");
  #timer = 0;
  #run = 0;

  /** Search when no more is typed. */
  soon(text: string): void {
    this.text.value = text;
    clearTimeout(this.#timer);
    this.#timer = Number(setTimeout(() => void this.find(), PAUSE_MS));
  }

  /** Search now: by the tag behind a `#`, else by title; with `further`, the next page. */
  async find(further = false): Promise<void> {
    clearTimeout(this.#timer);
    const run = ++this.#run;
    const text = this.text.peek().trim();
    const [shown, more] = further ? [this.rooms.peek() ?? [], this.more.peek()] : [[], ""];
    if (!text.replace(/^#/, "")) return this.#take(undefined, "", "");
    const wish = { ...(text.startsWith("#") ? { tag: text.slice(1).trim() } : { text }), ...(more && { more }) };
    try {
      const found = await findRooms(client(), wish);
      if (run === this.#run) this.#take([...shown, ...found.rooms], found.more ?? "", "");
    } catch (error) {
      if (run !== this.#run) return;
      // A text without a word, as "!?", is found nowhere.
      const isEmpty = (error as { code?: unknown }).code === "bad_request";
      this.#take(shown, "", isEmpty ? "" : errorText(error));
    }
  }

  #take(rooms: readonly RoomCard[] | undefined, more: string, problem: string): void {
    batch(() => {
      this.rooms.value = rooms;
      this.more.value = more;
      this.problem.value = problem;
    });
  }
}

export function DiscoverDialog() {
  const model = useMemo(() => new Discovery(), []);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current!.focus(), []);
  const byTag = (tag: string) => {
    model.text.value = `#${tag}`;
    field.current!.focus();
    void model.find();
  };
  return (
    <Dialog title={t("discover.title")} onSubmit={() => void model.find()}>
      <div class="search-field">
        <Icon name="search" />
        <input
          ref={field}
          type="search"
          class="field"
          aria-label={t("discover.text")}
          placeholder={t("discover.text")}
          autocomplete="off"
          spellcheck={false}
          maxLength={TEXT_MAX}
          value={model.text}
          onInput={(event) => model.soon(event.currentTarget.value)}
        />
      </div>
      <p class="problem" role="alert">
        {model.problem}
      </p>
      <Found model={model} byTag={byTag} />
    </Dialog>
  );
}

function Found({ model, byTag }: { model: Discovery; byTag: (tag: string) => void }) {
  const rooms = model.rooms.value;
  if (!rooms) return <p class="quiet small">{t("discover.hint")}</p>;
  return (
    <>
      <p class={rooms.length || model.problem.value ? "unseen" : "quiet"} role="status">
        {rooms.length ? t("search.found", { count: rooms.length }) : t("discover.none")}
      </p>
      <ul class="hits">
        {rooms.map((card) => (
          <li key={card.room} class="found-room">
            <FoundRoom card={card} byTag={byTag} />
          </li>
        ))}
      </ul>
      {model.more.value && (
        <button type="button" class="button" onClick={() => void model.find(true)}>
          {t("discover.further")}
        </button>
      )}
    </>
  );
}

function FoundRoom({ card, byTag }: { card: RoomCard; byTag: (tag: string) => void }) {
  const { room: id = "", title = "", avatar, about, tags = [], members = 0, kind, join } = card;
  const name = title || t("room.untitled");
  const isChannel = kind === "channel";
  return (
    <>
      <Avatar id={id} name={name} picture={avatar} size="header" />
      <div class="hit-text">
        <span class="line">
          <bdi>{name}</bdi>
        </span>
        <span class="quiet small">
          {t(isChannel ? "card.channel" : "card.group")} · {t(isChannel ? "room.followers" : "room.members", { count: members })}
        </span>
        {about && (
          <span class="small found-about" dir="auto">
            {about}
          </span>
        )}
        {tags.length > 0 && (
          <ul class="room-tags" aria-label={t("about.tags")}>
            {tags.map((tag) => (
              <li key={tag}>
                <button type="button" dir="auto" onClick={() => byTag(tag)}>{`#${tag}`}</button>
              </li>
            ))}
          </ul>
        )}
      </div>
      <WayIn id={id} name={name} verb={join === "request" ? "ask" : isChannel ? "follow" : "join"} />
    </>
  );
}

/** The button that opens the room, or enters it. */
function WayIn({ id, name, verb }: { id: string; name: string; verb: "ask" | "follow" | "join" }) {
  const open = () => {
    closeDialog();
    go({ name: "chat", room: id, about: false });
  };
  const enter = async () => {
    await joinRoom(id);
    if (roomOf(id)) open();
  };
  const waits = ownJoins.value.some((one) => one.room === id && one.kind === "asked");
  const label = roomOf(id) ? t("discover.open") : waits ? t("discover.asked") : t(`invite.${verb}`);
  return (
    <button
      type="button"
      class="button"
      aria-label={`${label}: ${name}`}
      disabled={waits}
      onClick={() => (roomOf(id) ? open() : void enter())}
    >
      {label}
    </button>
  );
}
