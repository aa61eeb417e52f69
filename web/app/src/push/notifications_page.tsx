/** The settings of notifications: this browser, what is told on all devices, quiet hours, and the way to the reasons. */
import "./styles.js";
import { useComputed } from "@preact/signals";
import type { Level } from "@chatd/client/people";
import { t } from "../locale/locale.js";
import { pushOffer } from "../shell/contacts.js";
import { Card, Choice, Switch } from "../shell/controls.js";
import { Icon, type IconName } from "../shell/icons.js";
import { PageHead } from "../shell/page_head.js";
import { follow, hrefOf } from "../shell/router.js";
import { change, settings } from "../shell/settings.js";
import { phase } from "../shell/state.js";
import { ContentChoice } from "./content_choice.js";
import { LEVELS, setWishes, wishes } from "./preferences.js";
import { QuietCard } from "./quiet_card.js";
import { ThisBrowser } from "./this_browser.js";

export function NotificationsPage() {
  return (
    <>
      <PageHead title={t("push.title")} />
      <div class="scroller page">
        <ThisBrowser />
        {pushOffer.value && <OnAllDevices />}
        <Card title={t("push.icon")}>
          <Switch
            icon="bell-off"
            label={t("me.quiet")}
            hint={t("me.quiet.hint")}
            on={settings.value.quiet}
            onChange={(quiet) => change({ quiet })}
          />
        </Card>
      </div>
    </>
  );
}

function OnAllDevices() {
  const offline = useComputed(() => phase.value !== "ready").value;
  return (
    <fieldset class="plain" disabled={offline}>
      <legend class="page-text">{t("push.all-devices")}</legend>
      <Card title={t("push.messages")}>
        <LevelChoice label={t("push.direct")} value={wishes().messages} onChange={(messages) => setWishes({ messages })} />
        <LevelChoice label={t("push.groups")} value={wishes().groups} onChange={(groups) => setWishes({ groups })} />
        <Toggle name="mute_mentions" icon="bell" />
      </Card>
      <Card title={t("push.others")}>
        <Toggle name="friends" icon="person-add" />
        <Toggle name="invites" icon="people" />
        <Toggle name="joins" icon="people" />
        <Toggle name="reactions" icon="smile" />
      </Card>
      <ContentChoice />
      <QuietCard />
      <Card>
        <a class="setting link" href={hrefOf({ name: "page", of: "me", page: "notifications", id: "why" })} onClick={follow}>
          <Icon name="info" />
          <span class="setting-text">
            <span>{t("why.title")}</span>
            <span class="quiet small">{t("why.hint")}</span>
          </span>
          <Icon name="forward" />
        </a>
      </Card>
    </fieldset>
  );
}

interface LevelProps {
  label: string;
  value: Level;
  onChange: (level: Level) => void;
}

function LevelChoice({ label, value, onChange }: LevelProps) {
  const options = LEVELS.map((level) => ({ value: level, label: t(`push.level.${level}`) }));
  return <Choice label={label} value={value} options={options} onChange={onChange} />;
}

function Toggle({ name, icon }: { name: "mute_mentions" | "friends" | "invites" | "joins" | "reactions"; icon: IconName }) {
  return (
    <Switch
      icon={icon}
      label={t(`push.on.${name}`)}
      {...(name === "mute_mentions" && { hint: t("push.on.mute_mentions.hint") })}
      on={wishes()[name]}
      onChange={(on) => setWishes({ [name]: on })}
    />
  );
}
