/** The head of a page: the way back where it fills the window, and its title. */
import type { ComponentChildren } from "preact";
import { t } from "../locale/locale.js";
import { Icon } from "./icons.js";
import { up } from "./router.js";

export function PageHead({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <header class="page-head">
      <button type="button" class="icon-button" aria-label={t("action.back")} onClick={up}>
        <Icon name="back" />
      </button>
      <h1 class="line">{title}</h1>
      {children}
    </header>
  );
}
