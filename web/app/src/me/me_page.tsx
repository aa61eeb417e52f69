/** The own page: name, appearance, privacy, this browser's storage, the devices, and the way out. */
import "../style/pages.js";
import { LANGUAGES, t, type Language } from "../locale/locale.js";
import { openLater } from "../later/open.js";
import { UserId } from "../people/person_card.js";
import { Avatar, colourOf } from "../shell/avatar.js";
import { offers, peopleOn } from "../shell/contacts.js";
import { Action, Card, Choice, Segments } from "../shell/controls.js";
import { confirm } from "../shell/dialog.js";
import { Icon, type IconName } from "../shell/icons.js";
import { follow, hrefOf } from "../shell/router.js";
import { signOut } from "../shell/session.js";
import { change, settings, THEMES } from "../shell/settings.js";
import { me, waiting } from "../shell/state.js";
import { openUnread } from "../unread/open.js";
import { userOf } from "../shell/users.js";
import { Devices } from "./devices.js";
import { PrivacySwitches } from "./privacy_switches.js";
import { Storage } from "./storage.js";

const THEME_ICONS = { auto: "settings", light: "sun", dark: "moon" } as const;

export function MePage() {
  if (!me.value) return null;
  const user = userOf(me.value).value;
  return (
    <div class="scroller page">
      <section class="home" aria-label={user.name}>
        <div class={`cover cover-${colourOf(user.id)}`} />
        <Avatar {...user} picture={user.avatar} size="card" />
        <h1 class="home-name">
          <bdi>{user.name}</bdi>
        </h1>
      </section>
      <UserId id={user.id} />
      {peopleOn.value && <MyPages />}
      <Appearance />
      {!peopleOn.value && <PrivacySwitches title={t("me.privacy")} />}
      <Card>
        <PageLink page="notifications" icon="bell" label={t("push.title")} />
        <Action icon="mark" label={t("unread.title")} onClick={() => openUnread()} />
        {offers("drafts") && <Action icon="clock" label={t("later.list")} onClick={() => openLater()} />}
      </Card>
      <Devices />
      <Storage />
      <Card>
        <Action icon="sign-out" label={t("me.signout")} danger onClick={askSignOut} />
      </Card>
    </div>
  );
}

/** What others see of the user, and who of them. */
function MyPages() {
  return (
    <Card>
      <PageLink page="card" icon="person" label={t("card.title")} />
      <PageLink page="privacy" icon="lock" label={t("privacy.title")} />
      <PageLink page="blocked" icon="block" label={t("blocked.title")} />
    </Card>
  );
}

function PageLink({ page, icon, label }: { page: string; icon: IconName; label: string }) {
  return (
    <a class="setting link" href={hrefOf({ name: "page", of: "me", page, id: "" })} onClick={follow}>
      <Icon name={icon} />
      <span class="setting-text">{label}</span>
      <Icon name="forward" />
    </a>
  );
}

function Appearance() {
  const themes = THEMES.map((value) => ({ value, label: t(`theme.${value}`), icon: THEME_ICONS[value] }));
  const names = Object.entries(LANGUAGES).map(([value, { name }]) => ({ value: value as Language, label: name }));
  const languages = [{ value: "" as const, label: t("me.language.auto") }, ...names];
  return (
    <Card title={t("me.appearance")}>
      <Segments
        label={t("me.theme")}
        value={settings.value.theme}
        options={themes}
        onChange={(theme) => change({ theme })}
      />
      <Choice
        label={t("me.language")}
        value={settings.value.language}
        options={languages}
        onChange={(language) => change({ language })}
      />
    </Card>
  );
}

function askSignOut(): void {
  const count = waiting.peek();
  confirm({
    title: t("me.signout"),
    text: count ? t("me.signout.waiting", { count }) : t("me.signout.text"),
    action: t("me.signout"),
    onConfirm: () => void signOut(),
  });
}
