/** Who may do what, rule by rule, in the words of a person. */
import type { Audience } from "@chatd/client/people";
import { useComputed } from "@preact/signals";
import { t } from "../locale/locale.js";
import { PrivacySwitches } from "../me/privacy_switches.js";
import { Card } from "../shell/controls.js";
import { privacy } from "../shell/contacts.js";
import { openDialog } from "../shell/dialog.js";
import { Icon } from "../shell/icons.js";
import { PageHead } from "../shell/page_head.js";
import { follow, hrefOf } from "../shell/router.js";
import { client, phase } from "../shell/state.js";
import { namesOfCircles } from "./circle_names.js";
import { EditRule } from "./edit_rule.js";
import { ruleOf, RULES, type Capability } from "./rules.js";

export function PrivacyPage() {
  const offline = useComputed(() => phase.value !== "ready").value;
  return (
    <>
      <PageHead title={t("privacy.title")} />
      <div class="scroller page">
        <p class="page-text">{t("privacy.text")}</p>
        {RULES.map(({ title, capabilities }) => (
          <Card key={title} title={t(title)}>
            {capabilities.map((capability) => (
              <Rule key={capability} capability={capability} disabled={offline} />
            ))}
          </Card>
        ))}
        <PrivacySwitches title={t("privacy.all")} />
        <Card>
          <a class="setting link" href={hrefOf({ name: "page", of: "me", page: "blocked", id: "" })} onClick={follow}>
            <Icon name="block" />
            <span class="setting-text">{t("blocked.title")}</span>
            <Icon name="forward" />
          </a>
          <a class="setting link" href={hrefOf({ name: "page", of: "me", page: "card", id: "" })} onClick={follow}>
            <Icon name="eye" />
            <span class="setting-text">{t("privacy.see-as")}</span>
            <Icon name="forward" />
          </a>
        </Card>
      </div>
    </>
  );
}

interface RuleProps {
  capability: Capability;
  disabled: boolean;
}

function Rule({ capability, disabled }: RuleProps) {
  const audience = ruleOf(privacy.value, capability, client().audiences);
  const { locked } = privacy.value;
  const edit = () => openDialog(async () => EditRule, { capability, audience });
  return (
    <button type="button" class="setting rule" disabled={disabled || locked} onClick={() => void edit()}>
      <Icon name={ICONS[capability]} />
      <span class="setting-text">
        <span>{t(`rule.${capability}`)}</span>
        <span class="small quiet anywhere">{audienceText(audience)}</span>
        {locked && <span class="small quiet">{t("privacy.locked")}</span>}
      </span>
      <Icon name={locked ? "lock" : "forward"} />
    </button>
  );
}

const ICONS = {
  write: "chat",
  knock: "person-add",
  add: "people",
  call: "phone",
  presence: "eye",
  receipts: "checks",
  page: "person",
  find: "search",
} as const;

/** An audience as a line: "Friends and Family, but not Work". */
function audienceText({ to, allow = [], deny = [] }: Audience): string {
  const [also, not] = [namesOfCircles(allow), namesOfCircles(deny)];
  const base = t(`audience.${to as "friends"}`);
  const all = also ? t(to === "nobody" ? "audience.only" : "audience.also", { base, names: also }) : base;
  return not ? t("audience.but", { base: all, names: not }) : all;
}
