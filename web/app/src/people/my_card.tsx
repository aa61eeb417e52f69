/** The own card: how it looks, to oneself and to others, and the form that changes it. */
import "./people_styles.js";
import "../style/wallpapers.js";
import type { Profile } from "@chatd/client";
import { useComputed, useSignal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { t } from "../locale/locale.js";
import { notify } from "../shell/announcer.js";
import { circles, ownCard } from "../shell/contacts.js";
import { Card, Choice } from "../shell/controls.js";
import { Empty } from "../shell/drawings.js";
import { errorText } from "../shell/errors.js";
import { Icon } from "../shell/icons.js";
import { PageHead } from "../shell/page_head.js";
import { Skeleton } from "../shell/skeleton.js";
import { client, me, phase } from "../shell/state.js";
import { userOf, type User } from "../shell/users.js";
import { CardForm } from "./card_form.js";
import { CardModel } from "./card_model.js";
import { Face, Fields, Names, useTheme } from "./card.js";
import { Common } from "./home_card.js";

export function MyCardPage() {
  const stored = ownCard.value;
  const fetched = useSignal<Profile | undefined>(undefined);
  const ready = phase.value === "ready";
  useEffect(
    () =>
      void (
        ready &&
        !stored &&
        client()
          .fetchCard(me.peek())
          .then(
            (found) => (fetched.value = found),
            () => undefined,
          )
      ),
    [ready],
  );
  const profile = stored ?? fetched.value;
  return (
    <>
      <PageHead title={t("card.title")} />
      {profile ? <Opened profile={profile} /> : ready ? <Skeleton /> : <Empty drawing="offline" text={t("card.offline")} />}
    </>
  );
}

function Opened({ profile }: { profile: Profile }) {
  const model = useMemo(() => new CardModel(profile), []);
  const seenAs = useSignal("");
  const options = [
    { value: "", label: t("card.as.me") },
    { value: "stranger", label: t("card.as.stranger") },
    { value: "friend", label: t("card.as.friend") },
    ...[...circles.value.values()].map(({ number, name }) => ({ value: `${number}`, label: t("card.as.circle", { name }) })),
  ];
  return (
    <div class="scroller page">
      <Card>
        <Choice label={t("card.as")} value={seenAs.value} options={options} onChange={(next) => (seenAs.value = next)} />
      </Card>
      {seenAs.value ? <Seen key={seenAs.value} as={seenAs.value} dirty={model.isChanged} /> : <Edited model={model} />}
    </div>
  );
}

/** The card as it will be, and the form below it. */
function Edited({ model }: { model: CardModel }) {
  const known = userOf(me.value).value;
  const user = useComputed(() => shownUser(known, { ...model.profile.value, user: known.id })).value;
  const page = model.page.value;
  const root = useTheme(page.theme);
  const save = async () => {
    try {
      await client().setProfile(model.changes());
      model.saved();
      notify(t("card.saved"));
    } catch (error) {
      const { code, field } = error as { code?: string; field?: string };
      if (code === "conflict") model.handleProblem.value = t("card.handle.taken");
      else notify(code === "forbidden" && field ? t("card.locked") : errorText(error));
    }
  };
  return (
    <>
      <div class="themed" ref={root}>
        <Face user={user} page={page}>
          <Names user={user} />
        </Face>
      </div>
      <CardForm model={model} verified={known.verified} onSave={() => void save()} />
    </>
  );
}

/** The card as another sees it; what is not saved is not in it. */
function Seen({ as, dirty }: { as: string; dirty: Signal<boolean> | { value: boolean } }) {
  const profile = useSignal<Profile | "failed" | undefined>(undefined);
  const ready = phase.value === "ready";
  useEffect(() => {
    if (ready)
      client()
        .fetchCard(me.peek(), viewerOf(as))
        .then(
          (found) => (profile.value = found),
          () => (profile.value = "failed"),
        );
  }, [as, ready]);
  const found = profile.value;
  const root = useTheme(typeof found === "object" ? found.page?.theme : undefined);
  const shown = typeof found === "object" ? found : undefined;
  return (
    <div class="themed seen" ref={root}>
      {shown && (
        <>
          <Face user={shownUser(userOf(me.value).value, shown)} page={shown.page}>
            <Names user={shownUser(userOf(me.value).value, shown)} />
          </Face>
          {!shown.page && (
            <p class="page-text">
              <Icon name="lock" />
              {t("card.as.plate")}
            </p>
          )}
          <Fields fields={shown.page?.fields ?? []} />
          <Common rooms={shown.common ?? []} />
          {dirty.value && <p class="page-text">{t("card.as.unsaved")}</p>}
        </>
      )}
      {!shown && (found === "failed" ? <Empty drawing="offline" text={t("error.unreachable")} /> : <Skeleton />)}
    </div>
  );
}

/** The viewer that a choice names: a word, or the number of a circle. */
const viewerOf = (as: string) => Number(as) || (as as "stranger" | "friend");

/** The user of a card; nobody has a remark for oneself. */
function shownUser(known: User, { name, avatar, handle, verified }: Profile): User {
  const shown = name || known.id;
  return {
    ...known,
    name: shown,
    realName: shown,
    avatar: avatar ?? "",
    handle: handle ?? "",
    verified: verified ?? known.verified,
  };
}
