/** How it stands with notifications in this browser, and what can be done about it. */
import { useSignal } from "@preact/signals";
import { testPush } from "@chatd/client/push";
import type { ComponentChildren } from "preact";
import { t, type TextKey } from "../locale/locale.js";
import { Action, Card, Switch } from "../shell/controls.js";
import { attempt, errorText } from "../shell/errors.js";
import { Icon, type IconName } from "../shell/icons.js";
import { client, phase } from "../shell/state.js";
import { browserPush, turnOff, turnOn, type BrowserPush } from "./browser_push.js";
import { reasonOf } from "./reasons.js";

/** What stands in the way, each with a heading and a sentence on what to do. */
const OBSTACLES: Partial<Record<BrowserPush, IconName>> = {
  unsupported: "bell-off",
  install: "phone",
  none: "bell-off",
  blocked: "lock",
  failed: "alert",
};

/** Outcomes of a test that say more than those of messages do. */
const TEST_TEXTS: Partial<Record<string, TextKey>> = { sent: "push.test.sent", no_token: "push.test.unknown" };

export function ThisBrowser() {
  const state = browserPush();
  const icon = OBSTACLES[state];
  const toggles = state === "on" || state === "off" || state === "failed";
  return (
    <Card title={t("push.browser")}>
      {toggles && <Toggle on={state !== "off"} />}
      {icon && (
        <Obstacle icon={icon} title={t(`push.${state as "blocked"}.title`)} text={t(`push.${state as "blocked"}`)}>
          {state === "failed" && (
            <button type="button" class="button" onClick={() => void turnOn()}>
              {t("action.retry")}
            </button>
          )}
        </Obstacle>
      )}
      {state === "on" && <Test />}
    </Card>
  );
}

function Toggle({ on }: { on: boolean }) {
  const busy = useSignal(false);
  const toggle = async (next: boolean) => {
    busy.value = true;
    await attempt<unknown>(next ? turnOn : turnOff);
    busy.value = false;
  };
  return (
    <Switch
      icon="bell"
      label={t("push.here")}
      hint={t("push.here.hint")}
      on={on}
      disabled={busy.value || phase.value !== "ready"}
      onChange={(next) => void toggle(next)}
    />
  );
}

interface ObstacleProps {
  icon: IconName;
  title: string;
  text: string;
  children?: ComponentChildren;
}

function Obstacle({ icon, title, text, children }: ObstacleProps) {
  return (
    <div class="obstacle" role="status">
      <Icon name={icon} />
      <div class="obstacle-text">
        <strong>{title}</strong>
        <p class="small quiet">{text}</p>
        {children}
      </div>
    </div>
  );
}

/** Have a notification sent, and say what became of it. */
function Test() {
  const result = useSignal("");
  const busy = useSignal(false);
  const test = async () => {
    if (busy.peek()) return;
    busy.value = true;
    result.value = "";
    try {
      const done = await testPush(client());
      const known = TEST_TEXTS[done.outcome];
      result.value = known ? t(known) : reasonOf(done);
    } catch (error) {
      result.value = (error as { code?: string }).code === "rate_limited" ? t("push.test.often") : errorText(error);
    }
    busy.value = false;
  };
  return (
    <>
      <Action icon="send" label={t("push.test")} hint={t(busy.value ? "push.test.busy" : "push.test.hint")} onClick={() => void test()} />
      <p class="test-result small" role="status">
        {result.value}
      </p>
    </>
  );
}
