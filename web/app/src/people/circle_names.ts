/** Circles by their names. */
import { t } from "../locale/locale.js";
import { circles } from "../shell/contacts.js";

/** Return the names of circles, as far as there are such, in one text. */
export const namesOfCircles = (numbers: readonly number[]): string =>
  numbers.flatMap((number) => circles.value.get(number)?.name ?? []).join(t("names.separator"));
