/** The buttons under a message of a bot: a press sends its data as an ordinary message, or a link opens elsewhere. */
import { useSignal } from "@preact/signals";
import { addressOf, press, type Button } from "@chatd/client/platform";
import type { Message } from "@chatd/client";
import { t } from "../locale/locale.js";
import { attempt } from "../shell/errors.js";
import type { Chat } from "./chat.js";

export function Buttons({ chat, message }: { chat: Chat; message: Message }) {
  const busy = useSignal(false);
  const onPress = async (button: Button) => {
    busy.value = true;
    void chat.toEnd();
    await attempt(() => press(chat.state.room, message.seq, button));
    busy.value = false;
  };
  return (
    <div class="bot-buttons" role="group" aria-label={t("chat.buttons")}>
      {message.body?.buttons?.map((row, at) => (
        <div key={at} class="bot-buttons-row">
          {row.map((button, place) => (
            <One key={place} button={button} disabled={busy.value} onPress={() => void onPress(button)} />
          ))}
        </div>
      ))}
    </div>
  );
}

function One({ button, disabled, onPress }: { button: Button; disabled: boolean; onPress: () => void }) {
  const { label, data } = button;
  if (data !== undefined)
    return (
      <button type="button" class="bot-button" disabled={disabled} onClick={onPress}>
        <bdi>{label}</bdi>
      </button>
    );
  const address = addressOf(button);
  // What no client should open is not offered.
  if (!address) return null;
  return (
    <a
      class="bot-button"
      href={address.href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      title={address.href}
    >
      <bdi>{label}</bdi>
      <bdi class="bot-button-host" dir="ltr">
        {address.host}
      </bdi>
    </a>
  );
}
