/** How much a notification shows, with one as it would look. */
import type { PushPreferences } from "@chatd/client/push";
import en from "../locale/en.push.json";
import zh from "../locale/zh-CN.push.json";
import { language, region, t } from "../locale/locale.js";
import { Card, Segments } from "../shell/controls.js";
import { addressOf } from "../shell/server.js";
import { config } from "../shell/session.js";
import { shownOf } from "./notification_text.js";
import { setWishes, wishes } from "./preferences.js";

const CONTENTS = ["full", "sender", "none"] as const;

export function ContentChoice() {
  const { content } = wishes();
  const options = CONTENTS.map((value) => ({ value, label: t(`push.content.${value}`) }));
  return (
    <Card title={t("push.content")}>
      <Segments label={t("push.content")} value={content} options={options} onChange={(next) => setWishes({ content: next })} />
      <Example content={content} />
    </Card>
  );
}

function Example({ content }: Pick<PushPreferences, "content">) {
  const site = config.value?.title || t("app.name");
  const [name, title, text] = [t("push.example.name"), t("push.example.group"), t("push.example.text")];
  const words = { texts: language.value === "zh-CN" ? zh : en, language: region.value, site };
  const told = content === "none" ? {} : { name, title, ...(content === "full" && { text }) };
  const shown = shownOf({ kind: "message", tag: "example", ...told }, words);
  return (
    <figure class="push-example">
      <figcaption class="unseen">{t("push.example")}</figcaption>
      <img src={addressOf("icons/icon-192.png").href} alt="" />
      <div>
        <strong class="line">{shown.title}</strong>
        <span class="line">{shown.body}</span>
      </div>
    </figure>
  );
}
