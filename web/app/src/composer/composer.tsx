/** The composer: a field that grows to eight lines, what it answers or edits, and the button that sends. */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { number, t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { mediaOffer, offers } from "../shell/contacts.js";
import { openDialog } from "../shell/dialog.js";
import { useHeld } from "../shell/held.js";
import { Icon } from "../shell/icons.js";
import { lazy } from "../shell/lazy.js";
import { MicButton } from "../media/mic_button.js";
import { hasMicrophone, recordings } from "../media/recordings.js";
import { me } from "../shell/state.js";
import type { Chat } from "../timeline/chat.js";
import { summaryOf } from "../timeline/quote.js";
import { AddButton, openPlace } from "./add_button.js";
import { FINE_POINTER, type ComposerModel } from "./composer_model.js";
import { EmojiButton } from "./emoji_button.js";
import { draftLeft } from "./draft_sync.js";
import { CommandPicker } from "./command_picker.js";
import { CommandQuery } from "./command_query.js";
import { MentionPicker } from "./mention_picker.js";
import { MentionQuery } from "./mention_query.js";
import { isPlaceAddress } from "./places.js";

const Tray = lazy(async () => (await import("../media/tray.js")).Tray, <></>);
const RecorderBar = lazy(async () => (await import("../media/recorder_bar.js")).RecorderBar, <></>);

type Query = CommandQuery | MentionQuery;
type FieldRef = RefObject<HTMLTextAreaElement | null>;

export function Composer({ chat }: { chat: Chat }) {
  const model = chat.composer;
  const field = useRef<HTMLTextAreaElement>(null);
  const query = useMemo(() => (chat.state.summary.peek().peer ? new CommandQuery(model) : new MentionQuery(model)), [model]);
  useEffect(() => keepStored(chat), [chat]);
  useLayoutEffect(() => {
    if (FINE_POINTER.matches) field.current!.focus({ preventScroll: true });
    return model.focused.subscribe((times) => times > 0 && field.current!.focus({ preventScroll: true }));
  }, [model]);
  const recording = recordings.value.get(chat.state.id);
  const submit = (event: Event) => {
    event.preventDefault();
    field.current!.focus({ preventScroll: true });
    void model.send();
  };
  return (
    <form class="composer" part="composer" onSubmit={submit}>
      {query instanceof CommandQuery ? (
        <CommandPicker query={query} field={field} />
      ) : (
        <MentionPicker query={query} field={field} />
      )}
      <Context chat={chat} />
      <PlaceOffer model={model} />
      {model.files.value.length > 0 && <Tray model={model} />}
      <div class={recording ? "composer-row recording" : "composer-row"}>
        {!model.editing.value && !model.state.post && <AddButton model={model} />}
        <Field chat={chat} field={field} query={query} />
        {recording && <RecorderBar recording={recording} />}
        <Send chat={chat} />
      </div>
    </form>
  );
}

/** Store the draft when the page is hidden, and when the room is left, and follow other tabs meanwhile. */
function keepStored({ composer }: Chat): () => void {
  const unfollow = composer.follow();
  const hidden = (): void => {
    if (document.hidden) void composer.store();
  };
  document.addEventListener("visibilitychange", hidden);
  return () => {
    unfollow();
    document.removeEventListener("visibilitychange", hidden);
    void composer.store().then(() => draftLeft(composer.state.id));
    recordings.peek().get(composer.state.id)?.pause();
  };
}

function Field({ chat, field, query }: { chat: Chat; field: FieldRef; query: Query }) {
  const model = chat.composer;
  const text = model.text.value;
  // Typing is in the field already; writing it again would move the caret, and end a composition.
  useLayoutEffect(
    () =>
      model.revision.subscribe(() => {
        const { value } = { value: model.text.peek() };
        if (field.current!.value !== value) field.current!.value = value;
      }),
    [model],
  );
  const onInput = () => {
    model.type(field.current!.value);
    query.look(field.current!);
  };
  const insert = (emoji: string) => {
    const { selectionStart, selectionEnd } = field.current!;
    field.current!.setRangeText(emoji, selectionStart, selectionEnd, "end");
    onInput();
    field.current!.focus({ preventScroll: true });
  };
  return (
    <div class="composer-field">
      <textarea
        ref={field}
        rows={1}
        aria-label={t("chat.composer")}
        placeholder={t("chat.composer")}
        dir="auto"
        enterkeyhint={FINE_POINTER.matches ? "send" : "enter"}
        aria-autocomplete="list"
        aria-controls={query.open.value ? query.id : undefined}
        aria-activedescendant={query.open.value ? query.activeId.value : undefined}
        aria-describedby={model.isLong ? "composer-left" : undefined}
        onInput={onInput}
        onKeyDown={(event) => onKey(event, chat, query)}
        onSelect={() => query.look(field.current!)}
        onBlur={() => query.close()}
        onPaste={(event) => onPaste(event, model)}
      />
      <div class="composer-mirror" aria-hidden="true" dir="auto">{`${text}\u200b`}</div>
      <EmojiButton onPick={insert} />
    </div>
  );
}

function onKey(event: KeyboardEvent, chat: Chat, query: Query): void {
  // Enter that ends a composition sends nothing; in Safari it comes after the end, with this code.
  if (event.isComposing || event.keyCode === 229) return;
  const field = event.currentTarget as HTMLTextAreaElement;
  const model = chat.composer;
  const { key } = event;
  const taken =
    query.onKey(key, field) ||
    (key === "Enter" && sends(event) && (void model.send(), true)) ||
    (key === "Escape" && model.cancel()) ||
    (key === "ArrowUp" && !event.altKey && field.value === "" && chat.editLast());
  if (!taken) return;
  event.preventDefault();
  event.stopPropagation();
}

/** Pictures and files from the clipboard go beside the text; a text that is copied with its picture stays a text. */
function onPaste(event: ClipboardEvent, model: ComposerModel): void {
  const { files, types } = event.clipboardData!;
  if (!files.length || !mediaOffer.peek() || types.includes("text/plain")) return;
  event.preventDefault();
  void model.addFiles([...files]);
}

function sends({ shiftKey, altKey, ctrlKey, metaKey }: KeyboardEvent): boolean {
  return ctrlKey || metaKey || (FINE_POINTER.matches && !shiftKey && !altKey);
}

/** The message that is answered or edited. */
function Context({ chat }: { chat: Chat }) {
  const model = chat.composer;
  const edit = model.editing.value;
  const seq = edit || model.replyTo.value;
  if (!seq) return null;
  const message = chat.model.quoted(seq).value;
  const name = message && (message.user === me.value ? t("chat.you") : chat.nameOf(message.user));
  return (
    <div class="composer-context">
      <Icon name={edit ? "edit" : "reply"} />
      <button type="button" class="composer-quote" onClick={() => void chat.jump(seq)}>
        <bdi class="line quote-name">{edit ? t("chat.editing") : t("chat.replying", { name: name || "…" })}</bdi>
        <bdi class="line quote-text">{message ? summaryOf(message) : "…"}</bdi>
      </button>
      <button type="button" class="icon-button" aria-label={t("action.cancel")} onClick={() => (model.cancel(), (model.focused.value += 1))}>
        <Icon name="close" />
      </button>
    </div>
  );
}

/** An address of a place can be sent as its card. */
function PlaceOffer({ model }: { model: ComposerModel }) {
  const text = model.text.value;
  if (model.editing.value || !isPlaceAddress(text)) return null;
  return (
    <button type="button" class="composer-context composer-offer" onClick={() => openPlace(model, text)}>
      <Icon name="place" />
      <span>{t("place.offer")}</span>
    </button>
  );
}

/** Ask when to send what stands there. Files are on their way only once they are sent. */
function sendLater(model: ComposerModel): void {
  if (model.editing.peek() || model.state.post || !offers("drafts")) return;
  if (model.files.peek().length) notify(t("later.no-files"));
  else void openDialog(async () => (await import("../later/time_dialog.js")).TimeDialog, { composer: model });
}

/** The button that sends, and when it is held, sends later; without anything to send, the one that records. */
function Send({ chat }: { chat: Chat }) {
  const model = chat.composer;
  const held = useHeld(() => sendLater(model));
  const isEmpty = model.text.value === "" && !model.files.value.length && !model.editing.value;
  if (isEmpty && !model.state.post && mediaOffer.value && hasMicrophone()) return <MicButton chat={chat} />;
  return (
    <>
      {model.isLong && (
        <span id="composer-left" class={model.left < 0 ? "composer-left over" : "composer-left"} title={t("chat.bytes-left")}>
          {number(model.left)}
        </span>
      )}
      <button
        type="submit"
        class="send"
        aria-label={t(model.editing.value ? "action.save" : "chat.send")}
        title={!model.editing.value && !model.state.post && offers("drafts") ? t("later.hint") : undefined}
        disabled={!model.canSend}
        {...held}
      >
        <Icon name={model.editing.value ? "check" : "send"} />
      </button>
    </>
  );
}
