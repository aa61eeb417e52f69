/** The dialogs for what a picture shows, in words: before it is sent, and after. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { Attachment, Message } from "@chatd/client";
import type { ComposerModel } from "../composer/composer_model.js";
import { t } from "../locale/locale.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import type { Chat } from "../timeline/chat.js";
import { isVisual } from "./kinds.js";
import { placeOf, useFile } from "./links.js";
import type { Staged } from "./staged.js";

/** Most characters of an alternative text (protocol.md, "Attachment"). */
const ALT_MAX = 1000;

/** Describe a picture that is not sent yet. */
export function DescribeFile({ model, file }: { model: ComposerModel; file: Staged }) {
  const text = useSignal(file.alt);
  const save = () => {
    model.describeFile(file.id, text.value.trim());
    closeDialog();
  };
  return (
    <Frame onSave={save}>
      {file.kind === "picture" && !file.isBlind && <img class="describe-picture" src={file.address} alt="" />}
      <Words value={text.value} autoFocus onInput={(next) => (text.value = next)} />
    </Frame>
  );
}

/** Describe the pictures of an own message. */
export function DescribeMessage({ chat, message }: { chat: Chat; message: Message }) {
  const attachments = useMemo(() => message.body?.attachments ?? [], []);
  const texts = useSignal(attachments.map(({ alt = "" }) => alt));
  const set = (at: number, next: string) => (texts.value = texts.value.map((text, index) => (index === at ? next : text)));
  const save = () => {
    closeDialog();
    const changed = attachments.map(({ alt: _, ...rest }, at) => {
      const alt = texts.value[at]!.trim();
      return { ...rest, ...(alt && { alt }) };
    });
    void attempt(() => chat.state.room.edit(message.seq, { ...message.body, attachments: changed }));
  };
  return (
    <Frame onSave={save}>
      {attachments.map((attachment, at) =>
        isVisual(attachment) ? (
          <div key={attachment.url} class="describe-one">
            <Shown message={message} attachment={attachment} />
            <Words value={texts.value[at]!} autoFocus={at === 0} onInput={(next) => set(at, next)} />
          </div>
        ) : null,
      )}
    </Frame>
  );
}

function Shown({ message, attachment }: { message: Message; attachment: Attachment }) {
  const { url, broken } = useFile(attachment, placeOf(attachment, message.room, message.seq, "m"));
  return url ? <img class="describe-picture" src={url} crossOrigin="anonymous" alt="" onError={broken} /> : null;
}

function Frame({ onSave, children }: { onSave: () => void; children: ComponentChildren }) {
  const actions = (
    <button type="submit" class="button primary">
      {t("action.save")}
    </button>
  );
  return (
    <Dialog title={t("media.describe.title")} actions={actions} onSubmit={onSave}>
      {children}
      <p class="small quiet">{t("media.describe.why")}</p>
    </Dialog>
  );
}

function Words({ value, autoFocus, onInput }: { value: string; autoFocus: boolean; onInput: (next: string) => void }) {
  return (
    <label class="labelled">
      <span>{t("media.describe.label")}</span>
      <textarea
        class="field"
        rows={2}
        dir="auto"
        autoFocus={autoFocus}
        maxLength={ALT_MAX}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  );
}
