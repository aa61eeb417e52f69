/** The frame of all pages: names of the pages, the state of the connection, the theme. */
import { signal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { checkSession, isReached, session, signOut, visitor } from "./api.js";
import { AuditPage } from "./audit.js";
import { useRefresh } from "./condition.js";
import { DeliveryPage } from "./delivery.js";
import { figures, isFull, isLive } from "./figures.js";
import { FiltersPage } from "./filters.js";
import { said } from "./host_parts.js";
import { Icon } from "./icons.js";
import { KeysPage } from "./keys.js";
import { LogPage } from "./log.js";
import { groups, Menu, MorePage, type PageName } from "./menu.js";
import { NowPage } from "./now.js";
import { PeoplePage } from "./people.js";
import { ReportsPage } from "./reports.js";
import { RoomsPage } from "./rooms.js";
import { SessionsPage } from "./sessions.js";
import { SettingsPage } from "./settings.js";
import { SignIn } from "./sign_in.js";
import { SlowPage } from "./slow.js";
import { StoragePage } from "./storage.js";
import { texts } from "./texts.js";
import { choice, choose, theme } from "./theme.js";

interface Place {
  page: PageName;
  /** What follows the name of the page in its address: the user, the room, ... */
  path: readonly string[];
}

const PAGES: Record<PageName, FunctionComponent<{ path: readonly string[] }>> = {
  now: NowPage,
  sessions: SessionsPage,
  slow: SlowPage,
  storage: StoragePage,
  settings: SettingsPage,
  log: LogPage,
  people: PeoplePage,
  rooms: RoomsPage,
  reports: ReportsPage,
  filters: FiltersPage,
  delivery: DeliveryPage,
  keys: KeysPage,
  audit: AuditPage,
  more: MorePage,
};
const RETRY_MS = 3_000;

const place = signal(placeOf(location.hash));
addEventListener("hashchange", () => {
  place.value = placeOf(location.hash);
  document.getElementById("content")?.focus();
  scrollTo({ top: 0 });
});

document.addEventListener("keydown", (event) => {
  const field = document.querySelector<HTMLInputElement>(".search input");
  const isTyped = event.target instanceof Element && event.target.matches("input, textarea, select");
  if (event.key !== "/" || !field || isTyped) return;
  event.preventDefault();
  field.focus();
});

function placeOf(hash: string): Place {
  const [page = "", ...path] = hash.replace(/^#\//, "").split("/").map(decoded);
  return page in PAGES ? { page: page as PageName, path } : { page: "now", path: [] };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The place to show: that of the address, if the role of this visitor opens its page. */
function openPlace(): Place {
  const isOpen = place.value.page === "more" || groups().some(([, pages]) => pages.includes(place.value.page));
  return isOpen ? place.value : { page: "now", path: [] };
}

export function Console() {
  if (session.value === "closed") return <SignIn />;
  if (session.value === "unknown") return isReached.value ? null : <Unreachable />;
  return <Shell />;
}

function Unreachable() {
  useRefresh(async () => void (await checkSession()), RETRY_MS);
  return (
    <main class="sign-in" id="content">
      <p role="alert">{texts.signIn.errors.unreachable}</p>
    </main>
  );
}

function Shell() {
  useEffect(() => {
    figures.open();
    return () => figures.close();
  }, []);
  const { page, path } = openPlace();
  const Content = PAGES[page];
  const { title, hint } = texts.pages[page];
  useEffect(() => {
    document.title = `${title} · ${texts.product}`;
  }, [title]);
  return (
    <div class="shell">
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("content")?.focus();
        }}
      >
        {texts.skip}
      </a>
      <aside class="side">
        <p class="brand">
          <span class="mark" aria-hidden="true" />
          {texts.product}
        </p>
        <Menu shown={page} />
        <div class="side-end">
          <State />
          <ThemeSwitch />
          <button type="button" class="quiet-button" aria-label={texts.signOut} title={`${texts.asWhom(visitor.value.name)}. ${texts.signOut}`} onClick={() => void signOut()}>
            <Icon name="sign-out" />
          </button>
        </div>
      </aside>
      <main id="content" class={isReached.value ? page : `${page} stale`} tabIndex={-1}>
        <header class="page-head">
          <h1>{title}</h1>
          <p class="quiet">{hint}</p>
        </header>
        {!isReached.value && (
          <p class="notice bad" role="alert">
            <Icon name="alert" size={18} />
            {texts.lost}
          </p>
        )}
        {isReached.value && isFull.value && (
          <p class="notice" role="status">
            {texts.full}
          </p>
        )}
        <Content path={path} />
        <p class={said.value ? "said-done" : "said-done none"} role="status">
          {said.value}
        </p>
      </main>
    </div>
  );
}

/** Whether figures come in. */
function State() {
  return (
    <span class={isLive.value ? "state live" : "state"} role="status">
      <span class="pulse" aria-hidden="true" />
      {isLive.value ? texts.live : texts.waiting}
    </span>
  );
}

function ThemeSwitch() {
  const next = theme.value === "dark" ? "light" : "dark";
  const label = `${texts.themeSwitch}: ${texts.theme[choice.value]}`;
  return (
    <button type="button" class="quiet-button" aria-label={label} title={label} onClick={() => choose(next)}>
      <Icon name={theme.value === "dark" ? "moon" : "sun"} />
    </button>
  );
}
