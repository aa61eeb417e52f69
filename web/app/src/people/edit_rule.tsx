/** The dialog of one rule of privacy: up to whom, and the circles that may and may not whatever that says. */
import type { Audience, Circle } from "@chatd/client/people";
import { useSignal, type Signal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { circles } from "../shell/contacts.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { errorText } from "../shell/errors.js";
import { client } from "../shell/state.js";
import { choicesOf, type Capability } from "./rules.js";

export function EditRule({ capability, audience }: { capability: Capability; audience: Audience }) {
  const to = useSignal(audience.to);
  const allow = useSignal<readonly number[]>(audience.allow ?? []);
  const deny = useSignal<readonly number[]>(audience.deny ?? []);
  const problem = useSignal("");
  const save = async () => {
    const known = (numbers: readonly number[]) => numbers.filter((number) => circles.peek().has(number));
    const [may, not] = [known(allow.value), known(deny.value)];
    const rule = { to: to.value, ...(may.length && { allow: may }), ...(not.length && { deny: not }) };
    try {
      await client().setPrivacy({ [capability]: rule });
      closeDialog();
    } catch (error) {
      problem.value = (error as { code?: string }).code === "forbidden" ? t("privacy.refused") : errorText(error);
    }
  };
  const actions = (
    <button type="submit" class="button primary">
      {t("action.save")}
    </button>
  );
  return (
    <Dialog title={t(`rule.${capability}`)} actions={actions} onSubmit={() => void save()}>
      <p class="quiet small">{t(`rule.${capability}.hint`)}</p>
      <fieldset class="radios">
        <legend class="unseen">{t(`rule.${capability}`)}</legend>
        {choicesOf(capability, client().audiences).map((word) => (
          <label key={word} class="check">
            <input type="radio" name="audience" checked={to.value === word} onChange={() => (to.value = word)} />
            <span class="setting-text">
              <span>{t(`audience.${word}`)}</span>
              {(word === "acquaintances" || word === "followers") && (
                <span class="quiet small">{t(`audience.${word}.hint`)}</span>
              )}
            </span>
          </label>
        ))}
      </fieldset>
      <p class="problem" role="alert">
        {problem}
      </p>
      {circles.value.size > 0 && (
        <fieldset class="radios">
          <legend class="small quiet">{t("people.circles")}</legend>
          {[...circles.value.values()].map((circle) => (
            <CircleRule key={circle.number} circle={circle} allow={allow} deny={deny} />
          ))}
        </fieldset>
      )}
    </Dialog>
  );
}

interface CircleRuleProps {
  circle: Circle;
  allow: Signal<readonly number[]>;
  deny: Signal<readonly number[]>;
}

/** What holds for one circle: the rule above, or always, or never. */
function CircleRule({ circle: { number, name }, allow, deny }: CircleRuleProps) {
  const value = deny.value.includes(number) ? "never" : allow.value.includes(number) ? "always" : "rule";
  const choose = (next: string) => {
    for (const [list, word] of [
      [allow, "always"],
      [deny, "never"],
    ] as const) {
      const others = list.value.filter((one) => one !== number);
      list.value = next === word ? [...others, number] : others;
    }
  };
  return (
    <label class="circle-rule">
      <bdi class="anywhere">{name}</bdi>
      <select class="field choice" value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {(["rule", "always", "never"] as const).map((word) => (
          <option key={word} value={word}>
            {t(`privacy.circle.${word}`)}
          </option>
        ))}
      </select>
    </label>
  );
}
