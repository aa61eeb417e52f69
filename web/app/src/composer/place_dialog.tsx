/** The dialog that shares a place: where the user is, or one whose address or coordinates they know. No map is fetched. */
import "../groups/group_styles.js";
import "../style/pages.js";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t, type TextKey } from "../locale/locale.js";
import { Field } from "../people/fields.js";
import { Action } from "../shell/controls.js";
import { closeDialog, Dialog } from "../shell/dialog.js";
import { PlaceCard } from "../timeline/card.js";
import type { ComposerModel } from "./composer_model.js";
import { cardOfPlace, placeAt, placeIn, TITLE_MAX, type Place } from "./places.js";

/** Milliseconds to wait for a position, and those for which an earlier one still holds. */
const WAIT_MS = 20_000;
const FRESH_MS = 30_000;
/** Most characters of an address. */
const ADDRESS_MAX = 2048;

const canLocate = (): boolean => isSecureContext && "geolocation" in navigator;

const locate = (): Promise<GeolocationPosition> =>
  new Promise((resolve, reject) =>
    navigator.geolocation.getCurrentPosition(resolve, reject, { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: FRESH_MS }),
  );

/** `address`: what stands in the composer, if it is one of a place; it goes with the card. */
export function PlaceDialog({ composer, address = "" }: { composer: ComposerModel; address?: string }) {
  const written = useSignal(address);
  const name = useSignal("");
  const position = useSignal<{ place: Place; metres: number } | undefined>(undefined);
  const suggested = useRef("");
  // The name that an address brings stands there until the user writes another.
  const suggest = (text: string) => {
    const told = placeIn(text)?.name;
    if (told && (!name.peek() || name.peek() === suggested.current)) name.value = suggested.current = told;
  };
  useEffect(() => written.subscribe(suggest), []);
  const state = useSignal<"" | "asking" | "denied" | "unknown">("");
  const read = placeIn(written.value);
  const place = written.value.trim() ? read : position.value?.place;
  const here = async () => {
    state.value = "asking";
    try {
      const { coords } = await locate();
      const found = placeAt(coords.latitude, coords.longitude);
      if (found) position.value = { place: found, metres: Math.ceil(coords.accuracy) };
      written.value = "";
      if (name.peek() === suggested.current) name.value = "";
      state.value = "";
    } catch (error) {
      const { code, PERMISSION_DENIED } = error as GeolocationPositionError;
      state.value = code === PERMISSION_DENIED ? "denied" : "unknown";
    }
  };
  const send = () => {
    if (!place) return;
    closeDialog();
    void composer.sendPlace(place, cardOfPlace(place, name.value), address);
  };
  const actions = (
    <button type="submit" class="button primary" disabled={!place}>
      {t("chat.send")}
    </button>
  );
  const problem = written.value.trim() && !read ? t("place.address.none") : "";
  return (
    <Dialog title={t("place.title")} actions={actions} onSubmit={send}>
      {canLocate() && (
        <div class="rules">
          <Action icon="place" label={t("place.here")} hint={t(state.value === "asking" ? "place.here.asking" : "place.here.hint")} onClick={() => void here()} />
        </div>
      )}
      <p class="problem" role="alert">
        {(state.value === "denied" || state.value === "unknown") && t(`place.here.${state.value}`)}
      </p>
      <Field label={t("place.address")} hint={t("place.address.hint")} problem={problem} value={written} max={ADDRESS_MAX} autoFocus />
      <div role="status">{place && <Found place={place} name={name.value} metres={read ? 0 : position.value!.metres} />}</div>
      {place && <Field label={t("place.name")} hint={t("place.name.hint")} value={name} max={TITLE_MAX} />}
    </Dialog>
  );
}

/** The card as the others will see it, and what it tells them. */
function Found({ place, name, metres }: { place: Place; name: string; metres: number }) {
  const told: TextKey = metres ? "place.told.near" : "place.told";
  return (
    <figure class="place-found">
      <PlaceCard card={cardOfPlace(place, name)} />
      <figcaption class="small quiet">{t(told, { metres })}</figcaption>
    </figure>
  );
}
