/** The sign-in of built-in accounts. Where there are none, the page says who can help. */
import { useSignal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { Empty } from "../shell/drawings.js";
import { HttpError } from "../shell/server.js";
import { config, lastUser, signIn, startSession } from "../shell/session.js";

export function SignIn() {
  const server = config.value;
  if (server && !server.login)
    return (
      <main class="full">
        <Empty drawing="locked" title={t("signin.none.title")} text={t("signin.none")}>
          <button type="button" class="button primary" onClick={() => void startSession()}>
            {t("action.retry")}
          </button>
        </Empty>
      </main>
    );
  return (
    <main class="full sign-in">
      <Form title={server?.title || t("app.name")} remember={server?.remember ?? false} />
    </main>
  );
}

function Form({ title, remember: mayRemember }: { title: string; remember: boolean }) {
  const user = useSignal(lastUser.value);
  const password = useSignal("");
  const remember = useSignal(true);
  const problem = useSignal("");
  const busy = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy.value || !user.value.trim() || !password.value) return;
    busy.value = true;
    try {
      await signIn(user.value.trim(), password.value, remember.value);
    } catch (error) {
      problem.value = problemText(error);
      busy.value = false;
    }
  };
  return (
    <form class="sign-in-card" onSubmit={(event) => void submit(event)}>
      <svg class="mark" viewBox="0 0 48 48" aria-hidden="true">
        <path d="M10 6h28a8 8 0 0 1 8 8v14a8 8 0 0 1-8 8H24l-10 8v-8h-4a8 8 0 0 1-8-8V14a8 8 0 0 1 8-8Z" />
        <path class="mark-lines" d="M13 17h22M13 25h13" />
      </svg>
      <h1>{title}</h1>
      <p class="quiet">{t("signin.text")}</p>
      <label class="labelled">
        <span>{t("signin.user")}</span>
        <input
          class="field"
          name="username"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          autoFocus={!user.value}
          value={user}
          onInput={(event) => (user.value = event.currentTarget.value)}
        />
      </label>
      <label class="labelled">
        <span>{t("signin.password")}</span>
        <input
          class="field"
          type="password"
          name="password"
          autocomplete="current-password"
          required
          autoFocus={user.value !== ""}
          value={password}
          onInput={(event) => (password.value = event.currentTarget.value)}
        />
      </label>
      {mayRemember && (
        <label class="check">
          <input
            type="checkbox"
            checked={remember}
            onChange={(event) => (remember.value = event.currentTarget.checked)}
          />
          <span>{t("signin.remember")}</span>
        </label>
      )}
      <p class="problem" role="alert">
        {problem.value}
      </p>
      <button type="submit" class="button primary wide" disabled={busy.value}>
        {t("signin.submit")}
      </button>
    </form>
  );
}

function problemText(error: unknown): string {
  if (!(error instanceof HttpError)) return t("error.unreachable");
  if (error.status === 401) return t("signin.failed");
  return error.status === 429 ? t("error.rate_limited") : t("error.unknown");
}
