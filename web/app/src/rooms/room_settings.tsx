/** What a user sets for one chat: mute, pin to the top, hide. */
import { ARCHIVE, govern, rulesOf } from "@chatd/client/conversations";
import { momentOf } from "../locale/moments.js";
import { t } from "../locale/locale.js";
import { useOwnWallpaper } from "../media/own_wallpaper.js";
import { WallpaperButton } from "../media/wallpaper_button.js";
import { mediaOffer, offers, peopleOn, pushOffer } from "../shell/contacts.js";
import { NotifyChoice } from "../push/room_notify.js";
import { openSearch } from "../search/open.js";
import { WALLPAPERS } from "../style/wallpapers.js";
import { attempt } from "../shell/errors.js";
import { openDialog } from "../shell/dialog.js";
import { Action, Card, Choice, Switch } from "../shell/controls.js";
import { go } from "../shell/router.js";
import { isMuted, me, type RoomState } from "../shell/state.js";
import { RETAIN_S, SecondsChoice } from "../groups/rules_dialog.js";
import { askToClear } from "./clear.js";
import { ownFolders } from "./folders.js";

const HOUR = 3_600_000;
/** The times one may mute for, by the value of the choice; "ever" is 1 (protocol.md, "preferences"). */
const MUTES = { off: () => 0, hour: () => Date.now() + HOUR, day: () => Date.now() + 24 * HOUR, ever: () => 1 };
type Mute = keyof typeof MUTES | "until";

function Wallpapers({ value, onChange }: { value: string; onChange: (value: string) => Promise<unknown> }) {
  const picture = useOwnWallpaper(value);
  return (
    <div class="setting wallpaper-setting">
      <span>{t("wallpaper.label")}</span>
      <div class="swatches" role="radiogroup" aria-label={t("wallpaper.label")}>
        {WALLPAPERS.map((name) => (
          <label key={name} class="swatch" title={t(`wallpaper.${name || "plain"}`)}>
            <input
              type="radio"
              class="unseen"
              name="wallpaper"
              aria-label={t(`wallpaper.${name || "plain"}`)}
              checked={value === name}
              onChange={() => void onChange(name)}
            />
            <span data-wallpaper={name || undefined} />
          </label>
        ))}
        {picture && (
          <label class="swatch" title={t("media.wallpaper.own")}>
            <input type="radio" class="unseen" name="wallpaper" aria-label={t("media.wallpaper.own")} checked />
            <span data-wallpaper={value} style={picture} />
          </label>
        )}
        {mediaOffer.value && <WallpaperButton onDone={onChange} />}
      </div>
    </div>
  );
}

const chooseFolder = (room: RoomState) => openDialog(async () => (await import("./folders_dialog.js")).ChooseFolder, { room });

/** The name of a folder; empty for none. */
function folderName(folder: number): string {
  if (folder === ARCHIVE) return t("folders.archive");
  return ownFolders().find(({ id }) => id === folder)?.name ?? "";
}

export function RoomSettings({ room }: { room: RoomState }) {
  const { muted_until, pinned, hidden, folder = 0, peer, wallpaper = "" } = room.summary.value;
  // Nothing of the own notes makes a sound.
  const isSelf = peer === me.value;
  const until = muted_until > 1 && isMuted({ muted_until });
  const value: Mute = muted_until === 1 ? "ever" : until ? "until" : "off";
  const set = (wish: Parameters<typeof room.room.preferences>[0]) => attempt(() => room.room.preferences(wish));
  const options: { value: Mute; label: string }[] = [
    { value: "off", label: t("mute.off") },
    { value: "hour", label: t("mute.hour") },
    { value: "day", label: t("mute.day") },
    { value: "ever", label: t("mute.ever") },
  ];
  if (until) options.unshift({ value: "until", label: momentOf(muted_until) });
  const mute = (chosen: Mute) => chosen !== "until" && void set({ muted_until: MUTES[chosen]() });
  const hide = async (on: boolean) => {
    await set({ hidden: on });
    if (room.room.summary.hidden) go({ name: "chats" });
  };
  return (
    <Card title={t("room.settings")}>
      {offers("search") && <Action icon="search" label={t("search.here")} onClick={() => openSearch(room.id)} />}
      {pushOffer.value && !isSelf && <NotifyChoice room={room} />}
      {!isSelf && <Choice label={t("mute.label")} value={value} options={options} onChange={mute} />}
      {peer && (
        <SecondsChoice
          label={t("rules.retain_s")}
          value={rulesOf(room.summary.value).retain_s}
          steps={RETAIN_S}
          none={t("rules.retain_s.none")}
          onChange={(retain_s) => void attempt(() => govern(room.room, { policy: { retain_s } }))}
        />
      )}
      <Action icon="folder" label={t("folders.choose")} hint={folderName(folder)} onClick={() => void chooseFolder(room)} />
      <Switch icon="pin" label={t("room.pin")} on={pinned} onChange={(on) => void set({ pinned: on })} />
      <Switch icon="eye-off" label={t("room.hide")} hint={t("room.hide.hint")} on={hidden} onChange={(on) => void hide(on)} />
      {peopleOn.value && <Wallpapers value={wallpaper} onChange={(next) => set({ wallpaper: next })} />}
      <Action icon="trash" label={t("clear.action")} danger onClick={() => askToClear(room)} />
    </Card>
  );
}
