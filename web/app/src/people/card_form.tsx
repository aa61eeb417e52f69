/** The form of the own card. */
import { t } from "../locale/locale.js";
import { PictureButton } from "../media/picture_button.js";
import { notify } from "../shell/announcer.js";
import { mediaOffer } from "../shell/contacts.js";
import { Card } from "../shell/controls.js";
import { attempt } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { allowedPicture } from "../shell/pictures.js";
import { client } from "../shell/state.js";
import type { CardModel } from "./card_model.js";
import { Field } from "./fields.js";
import { THEMES } from "./themes.js";

/** Most signs of each part, and most fields (protocol.md, "People"). */
const MAX = { name: 64, handle: 32, picture: 2048, bio: 500, field: 32, value: 256, fields: 16 };
/** Who may see one field of those who see the card. */
const FIELD_AUDIENCES = ["", "acquaintances", "friends", "nobody"] as const;
const HANDLE = /^@?[a-z0-9_.]{3,32}$/i;

interface FormProps {
  model: CardModel;
  /** What the host says the user is: name and handle are then the host's. */
  verified: string;
  onSave: () => void;
}

export function CardForm({ model, verified, onSave }: FormProps) {
  const handle = model.handle.value.trim();
  const handleProblem = handle && !HANDLE.test(handle) ? t("card.handle.form") : model.handleProblem.value;
  const submit = (event: Event) => (event.preventDefault(), onSave());
  const fixed = verified ? { disabled: true, hint: t("card.fixed") } : {};
  return (
    <form class="card-form" onSubmit={submit}>
      <Card title={t("card.who")}>
        <Field label={t("card.name")} value={model.name} max={MAX.name} {...fixed} />
        <Field
          label={t("card.handle")}
          hint={t("card.handle.hint")}
          problem={handleProblem}
          value={model.handle}
          max={MAX.handle}
          before="@"
          {...fixed}
        />
        <Field label={t("card.bio")} value={model.bio} max={MAX.bio} lines={3} />
      </Card>
      <Themes model={model} />
      <Card title={t("card.pictures")}>
        {mediaOffer.value ? (
          <>
            <OwnPicture model={model} which="avatar" />
            <OwnPicture model={model} which="cover" />
          </>
        ) : (
          <>
            <Picture label={t("card.avatar")} value={model.avatar} />
            <Picture label={t("card.cover")} value={model.cover} />
          </>
        )}
      </Card>
      <Rows model={model} />
      <div class={model.isChanged.value ? "form-foot changed" : "form-foot"}>
        <button
          type="submit"
          class="button primary"
          disabled={!model.isChanged.value || (handle !== "" && !HANDLE.test(handle))}
        >
          {t("action.save")}
        </button>
      </div>
    </form>
  );
}

function Picture({ label, value }: { label: string; value: CardModel["avatar"] }) {
  const address = value.value.trim();
  const problem = address && !allowedPicture(address) ? t("card.picture.elsewhere") : "";
  return (
    <Field label={label} problem={problem} value={value} max={MAX.picture} placeholder={t("card.picture.placeholder")} />
  );
}

/** A picture of the own: it is chosen, cut, sent, and shown to others at once. */
function OwnPicture({ model, which }: { model: CardModel; which: "avatar" | "cover" }) {
  const address = allowedPicture(model[which].value.trim());
  const set = async (next: string) => {
    await client().setProfile({ [which]: next });
    model.adoptPicture(which, next);
    notify(t(next ? "media.picture.set" : "media.picture.removed"));
  };
  return (
    <div class="own-picture" role="group" aria-label={t(`media.${which}`)}>
      <span class={`own-picture-shown of-${which}`}>{address ? <img src={address} alt="" /> : <Icon name="picture" />}</span>
      <span class="setting-text">
        <span>{t(`media.${which}`)}</span>
        <span class="quiet small">{t(`media.${which}.hint`)}</span>
      </span>
      <PictureButton purpose={which} label={t(`media.${which}.choose`)} class="button" onDone={set}>
        {t("media.choose")}
      </PictureButton>
      {model[which].value !== "" && (
        <button type="button" class="icon-button" aria-label={t(`media.${which}.remove`)} title={t(`media.${which}.remove`)} onClick={() => void attempt(() => set(""))}>
          <Icon name="trash" />
        </button>
      )}
    </div>
  );
}

function Themes({ model }: { model: CardModel }) {
  const { name } = model.theme.value;
  const choices: [string, string[]][] = [["", []], ...Object.entries(THEMES)];
  return (
    <Card title={t("card.theme")}>
      <div class="swatches" role="radiogroup" aria-label={t("card.theme")}>
        {choices.map(([theme, colors]) => (
          <label key={theme} class="swatch" title={t(theme ? `theme.of.${theme as "river"}` : "theme.of.none")}>
            <input
              type="radio"
              class="unseen"
              name="theme"
              checked={(name ?? "") === theme}
              aria-label={t(theme ? `theme.of.${theme as "river"}` : "theme.of.none")}
              onChange={() => (model.theme.value = theme ? { name: theme, colors } : {})}
            />
            <span style={colors.length ? { backgroundImage: `linear-gradient(120deg, ${colors.join(", ")})` } : undefined}>
              {!theme && <Icon name="block" />}
            </span>
          </label>
        ))}
      </div>
    </Card>
  );
}

/** What the card tells by name: a town, a birthday, a link. */
function Rows({ model }: { model: CardModel }) {
  const rows = model.fields.value;
  return (
    <Card title={t("card.fields")}>
      {rows.map((row, index) => (
        <div key={row.id} class="field-row" role="group" aria-label={t("card.field.number", { number: index + 1 })}>
          <Field label={t("card.field.name")} value={row.name} max={MAX.field} />
          <Field label={t("card.field.value")} value={row.value} max={MAX.value} />
          <select
            class="field"
            aria-label={t("card.field.to")}
            value={row.to.value}
            onChange={(event) => (row.to.value = event.currentTarget.value)}
          >
            {FIELD_AUDIENCES.map((word) => (
              <option key={word} value={word}>
                {t(word ? `audience.${word}` : "card.field.all")}
              </option>
            ))}
          </select>
          <button
            type="button"
            class="icon-button"
            aria-label={t("card.field.remove", { number: index + 1 })}
            onClick={() => model.removeField(row.id)}
          >
            <Icon name="trash" />
          </button>
        </div>
      ))}
      {rows.length < MAX.fields && (
        <button type="button" class="setting" onClick={() => model.addField()}>
          <Icon name="plus" />
          <span class="setting-text">{t("card.field.add")}</span>
        </button>
      )}
    </Card>
  );
}
