/** The sign-in of built-in accounts. Where there are none, the page says who can help. */
import "../style/pages.js";
import { useSignal, type Signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { t } from "../locale/locale.js";
import { Empty } from "../shell/drawings.js";
import { addressOf, HttpError } from "../shell/server.js";
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
      <img class="mark" src={addressOf("icons/icon.svg").href} alt="" />
      <h1>{title}</h1>
      <p class="quiet">{t("signin.text")}</p>
      <Field label={t("signin.user")} name="username" complete="username" value={user} focus={!user.peek()} />
      <Field
        label={t("signin.password")}
        name="password"
        complete="current-password"
        value={password}
        focus={user.peek() !== ""}
      />
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

interface FieldProps {
  label: string;
  name: "username" | "password";
  complete: "username" | "current-password";
  value: Signal<string>;
  /** Whether it has the focus at first. */
  focus: boolean;
}

function Field({ label, name, complete, value, focus }: FieldProps) {
  const first = useMemo(() => focus, []);
  const shared = {
    class: "field",
    name,
    autocomplete: complete,
    required: true,
    autoFocus: first,
    value,
    onInput: (event: { currentTarget: HTMLInputElement }) => void (value.value = event.currentTarget.value),
  };
  return (
    <label class="labelled">
      <span>{label}</span>
      {name === "password" ? (
        <input {...shared} type="password" />
      ) : (
        <input {...shared} autocapitalize="none" spellcheck={false} />
      )}
    </label>
  );
}

function problemText(error: unknown): string {
  if (!(error instanceof HttpError)) return t("error.unreachable");
  if (error.status === 401) return t("signin.failed");
  return error.status === 429 ? t("error.rate_limited") : t("error.unknown");
}
