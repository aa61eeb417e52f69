/** The page for those without a session: how to get a link, and a field for it. */
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { signIn } from "./api.js";
import { Command } from "./parts.js";
import { texts } from "./texts.js";

const KEY = /^(?:.*#key=)?([A-Za-z0-9_-]{22})$/;
const words = texts.signIn;

/** Why the last key did not open the console, or "". */
const problem = signal<keyof typeof words.errors | "">("");

/** Use the key in the address of this page, if there is one, and take it out of the address. */
export async function takeLink(): Promise<void> {
  const key = KEY.exec(location.hash)?.[1];
  if (!key) return;
  history.replaceState(null, "", "#/now");
  problem.value = await signIn(key);
}

export function SignIn() {
  const [typed, type] = useState("");
  const submit = async (): Promise<void> => {
    const key = KEY.exec(typed.trim())?.[1];
    problem.value = key ? await signIn(key) : "malformed";
    if (!problem.value) type("");
  };
  return (
    <main class="sign-in" id="content">
      <div class="sign-in-card card">
        <p class="brand">
          <span class="mark" aria-hidden="true" />
          {texts.product}
        </p>
        <h1>{words.title}</h1>
        <p class="quiet">{words.lead}</p>
        <Command text={words.command} label={words.copy} />
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          <label for="key">{words.alternative}</label>
          <div class="sign-in-row">
            <input
              id="key"
              type="text"
              aria-describedby="problem"
              aria-invalid={problem.value !== ""}
              placeholder={words.key}
              value={typed}
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              onInput={(event) => type(event.currentTarget.value)}
            />
            <button type="submit" class="button">
              {words.submit}
            </button>
          </div>
        </form>
        <p id="problem" class="problem" role="alert">
          {problem.value && words.errors[problem.value]}
        </p>
      </div>
      <p class="quiet small">{texts.readOnly}</p>
    </main>
  );
}
