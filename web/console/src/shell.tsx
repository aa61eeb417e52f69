/** The frame of all pages: names of the pages, the state of the connection, the theme. */
import { signal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { checkSession, isReached, session, signOut } from "./api.js";
import { useRefresh } from "./condition.js";
import { figures, isFull, isLive } from "./figures.js";
import { Icon, type IconName } from "./icons.js";
import { LogPage } from "./log.js";
import { NowPage } from "./now.js";
import { SessionsPage } from "./sessions.js";
import { SettingsPage } from "./settings.js";
import { SignIn } from "./sign_in.js";
import { SlowPage } from "./slow.js";
import { StoragePage } from "./storage.js";
import { texts } from "./texts.js";
import { choice, choose, theme } from "./theme.js";

type Page = keyof typeof texts.pages;

const PAGES: Record<Page, FunctionComponent> = {
  now: NowPage,
  sessions: SessionsPage,
  slow: SlowPage,
  storage: StoragePage,
  settings: SettingsPage,
  log: LogPage,
};
const RETRY_MS = 3_000;
const NAMES = Object.keys(PAGES) as Page[];

const page = signal<Page>(pageOf(location.hash));
addEventListener("hashchange", () => {
  page.value = pageOf(location.hash);
  document.getElementById("content")?.focus();
  scrollTo({ top: 0 });
});

document.addEventListener("keydown", (event) => {
  const field = document.querySelector<HTMLInputElement>(".search input");
  if (event.key !== "/" || !field || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  field.focus();
});

function pageOf(hash: string): Page {
  const name = hash.replace(/^#\//, "") as Page;
  return NAMES.includes(name) ? name : "now";
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
  const Content = PAGES[page.value];
  const { title, hint } = texts.pages[page.value];
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
        <nav aria-label={texts.menu}>
          {NAMES.map((name) => (
            <a key={name} href={`#/${name}`} aria-current={name === page.value ? "page" : undefined}>
              <Icon name={name as IconName} />
              <span>{texts.pages[name].title}</span>
            </a>
          ))}
        </nav>
        <div class="side-end">
          <State />
          <ThemeSwitch />
          <button type="button" class="quiet-button" aria-label={texts.signOut} title={texts.signOut} onClick={() => void signOut()}>
            <Icon name="sign-out" />
          </button>
        </div>
      </aside>
      <main id="content" class={isReached.value ? page.value : `${page.value} stale`} tabIndex={-1}>
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
        <Content />
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
