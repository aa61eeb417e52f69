/** In place of the composer of a channel, for those who follow it: the bell, where the server notifies. */
import "./group_styles.js";
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { attempt } from "../shell/errors.js";
import { pushOffer } from "../shell/contacts.js";
import { Icon } from "../shell/icons.js";
import type { RoomState } from "../shell/state.js";
import { HindranceBar } from "./hindrance_bar.js";

export function ChannelBar({ room }: { room: RoomState }) {
  const isOn = room.summary.value.notify === "all";
  const ring = async () => {
    const done = await attempt(async () => (await room.room.preferences({ notify: isOn ? "default" : "all" }), true));
    if (done) notify(t(isOn ? "channel.bell.off" : "channel.bell.on"));
  };
  if (!pushOffer.value) return <HindranceBar why={{ kind: "staff_only" }} />;
  return (
    <div class="channel-bar">
      <button type="button" class="button" aria-pressed={isOn} onClick={() => void ring()}>
        <Icon name={isOn ? "bell" : "bell-off"} />
        {t("channel.bell")}
      </button>
    </div>
  );
}
