/** The own page: name, appearance, privacy, this browser's storage, the devices, and the way out. */
import { useComputed } from "@preact/signals";
import { LANGUAGES, t, type Language } from "../locale/locale.js";
import { UserId } from "../people/person_card.js";
import { Avatar, colourOf } from "../shell/avatar.js";
import { Action, Card, Choice, Segments, Switch } from "../shell/controls.js";
import { confirm } from "../shell/dialog.js";
import { attempt } from "../shell/errors.js";
import { signOut } from "../shell/session.js";
import { change, settings, THEMES } from "../shell/settings.js";
import { client, me, phase, preferences } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { Devices } from "./devices.js";
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
      <Appearance />
      <Privacy />
      <Card title={t("me.notifications")}>
        <Switch
          icon="bell-off"
          label={t("me.quiet")}
          hint={t("me.quiet.hint")}
          on={settings.value.quiet}
          onChange={(quiet) => change({ quiet })}
        />
      </Card>
      <Devices />
      <Storage />
      <Card>
        <Action icon="sign-out" label={t("me.signout")} danger onClick={askSignOut} />
      </Card>
    </div>
  );
}

function Appearance() {
  const themes = THEMES.map((value) => ({ value, label: t(`theme.${value}`), icon: THEME_ICONS[value] }));
  const names = Object.entries(LANGUAGES).map(([value, { name }]) => ({ value: value as Language, label: name }));
  const languages = [{ value: "" as const, label: t("me.language.auto") }, ...names];
  return (
    <Card title={t("me.appearance")}>
      <Segments label={t("me.theme")} value={settings.value.theme} options={themes} onChange={(theme) => change({ theme })} />
      <Choice
        label={t("me.language")}
        value={settings.value.language}
        options={languages}
        onChange={(language) => change({ language })}
      />
    </Card>
  );
}

function Privacy() {
  const offline = useComputed(() => phase.value !== "ready").value;
  const { receipts, presence } = preferences.value;
  return (
    <Card title={t("me.privacy")}>
      <Switch
        icon="checks"
        label={t("me.receipts")}
        hint={t("me.receipts.hint")}
        on={receipts}
        disabled={offline}
        onChange={(on) => void attempt(() => client().showReceipts(on))}
      />
      <Switch
        icon="eye"
        label={t("me.presence")}
        hint={t("me.presence.hint")}
        on={presence}
        disabled={offline}
        onChange={(on) => void attempt(() => client().showPresence(on))}
      />
    </Card>
  );
}

function askSignOut(): void {
  const waiting = client().outbox.length;
  confirm({
    title: t("me.signout"),
    text: waiting ? t("me.signout.waiting", { count: waiting }) : t("me.signout.text"),
    action: t("me.signout"),
    onConfirm: () => void signOut(),
  });
}
