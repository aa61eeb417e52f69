/** The search in messages: of one chat, or of all of them. */
import "./styles.js";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { t } from "../locale/locale.js";
import { titleOf } from "../rooms/names.js";
import { Dialog } from "../shell/dialog.js";
import { Icon } from "../shell/icons.js";
import { roomOf } from "../shell/state.js";
import { Filters } from "./filters.js";
import { HitRow } from "./hit_row.js";
import { searchIn, type SearchModel } from "./model.js";

export function SearchDialog({ room, text }: { room: string; text: string }) {
  const model = useMemo(() => searchIn(room, text), [room, text]);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current!.select();
    void model.go();
  }, [model]);
  const state = room ? roomOf(room) : null;
  const input = (event: Event) => {
    model.text.value = (event.currentTarget as HTMLInputElement).value;
    model.soon();
  };
  return (
    <Dialog title={t(room ? "search.here" : "search.title")} onSubmit={() => void model.go()}>
      {state && (
        <p class="quiet small line">
          <bdi>{titleOf(state)}</bdi>
        </p>
      )}
      <div class="search-field">
        <Icon name="search" />
        <input
          ref={field}
          type="search"
          class="field"
          aria-label={t("search.text")}
          placeholder={t("search.text")}
          autocomplete="off"
          spellcheck={false}
          maxLength={64}
          value={model.text}
          onInput={input}
        />
      </div>
      <Filters model={model} />
      <Results key={room} model={model} />
    </Dialog>
  );
}

function Results({ model }: { model: SearchModel }) {
  const page = model.page.value;
  const hits = model.hits.value;
  const [more, behind = 0] = [page?.more, page?.behind];
  const again = () => void model.go();
  return (
    <>
      <p class="problem" role="alert">
        {model.problem}
      </p>
      <p class={page && !hits.length && !more ? "quiet" : "unseen"} role="status">
        {page && (hits.length ? t("search.found", { count: hits.length }) : t(more ? "search.none-yet" : "search.none"))}
      </p>
      {behind > 0 && (
        <p class="search-behind small">
          <Icon name="info" />
          <span>{t("search.behind", { count: behind })}</span>
          <button type="button" class="button" onClick={again}>
            {t("search.again")}
          </button>
        </p>
      )}
      {hits.length > 0 && (
        <ul class="hits">
          {hits.map((hit) => (
            <li key={`${hit.room ?? ""} ${hit.event.seq}`}>
              <HitRow hit={hit} model={model} />
            </li>
          ))}
        </ul>
      )}
      {more && (
        <button type="button" class="button" onClick={() => void model.go(true)}>
          {t("search.further")}
        </button>
      )}
    </>
  );
}
