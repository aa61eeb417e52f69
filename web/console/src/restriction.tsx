/** The restriction of a person: a ban, a mute or a limit, for a while or for ever. */
import { useState } from "preact/hooks";
import { Action, Field, Select } from "./dialog.js";
import { when } from "./format.js";
import { call, may } from "./host_api.js";
import { moderationTexts } from "./moderation_texts.js";
import { Card } from "./parts.js";
import type { PutRestriction, UserAnswer } from "./routes.js";

const words = moderationTexts.restriction;
type What = PutRestriction["what"];
const kinds = (["mute", "limit", "ban"] as const).map((what) => [what, words.kinds[what].name] as const);
const FOR_EVER = 1;
const HOUR_MS = 3_600_000;

/** The time in Unix milliseconds at which a restriction of so many hours ends; none: never. */
export const untilOf = (hours: string): number => (Number(hours) ? Date.now() + Number(hours) * HOUR_MS : FOR_EVER);

export const untilText = (until: number): string => (until === FOR_EVER ? words.forEver : words.until(when(until)));

interface RestrictionProps {
  account: UserAnswer;
  onChange: () => void;
}

export function Restriction({ account: { user, restriction }, onChange }: RestrictionProps) {
  const [asking, ask] = useState<"" | "set" | "lift">("");
  const onDone = (): void => {
    ask("");
    onChange();
  };
  return (
    <Card
      title={words.title}
      aside={
        may("PUT /v1/users/{user}/restriction") && (
          <div class="actions">
            {restriction && (
              <button type="button" class="button plain small-button" onClick={() => ask("lift")}>
                {words.lift}
              </button>
            )}
            <button type="button" class="button plain small-button" onClick={() => ask("set")}>
              {restriction ? words.change : words.set}
            </button>
          </div>
        )
      }
    >
      {restriction ? (
        <p>
          <span class="pill bad">{words.kinds[restriction.what].name}</span> {untilText(restriction.until)}
          {restriction.reason && (
            <>
              {": "}
              <bdi>{restriction.reason}</bdi>
            </>
          )}
          <span class="quiet small block">{words.kinds[restriction.what].hint}</span>
        </p>
      ) : (
        <p class="quiet">{words.none}</p>
      )}
      {asking === "set" && <Set user={user} onDone={onDone} onClose={() => ask("")} />}
      {asking === "lift" && (
        <Action
          title={words.liftTitle(user)}
          submit={words.lift}
          run={() => call("DELETE /v1/users/{user}/restriction", { user })}
          onDone={onDone}
          onClose={() => ask("")}
        />
      )}
    </Card>
  );
}

function Set({ user, onDone, onClose }: { user: string; onDone: () => void; onClose: () => void }) {
  const [what, setWhat] = useState<What>("mute");
  const [hours, setHours] = useState("24");
  const [reason, setReason] = useState("");
  return (
    <Action
      title={words.setTitle(user)}
      submit={words.set}
      isDangerous
      run={() => call("PUT /v1/users/{user}/restriction", { user, what, until: untilOf(hours), reason: reason.trim() })}
      onDone={onDone}
      onClose={onClose}
    >
      <RestrictionFields what={what} hours={hours} onWhat={setWhat} onHours={setHours} />
      <Field label={words.reason} hint={words.reasonHint} value={reason} onInput={setReason} max={64} />
    </Action>
  );
}

interface FieldsProps {
  what: What;
  hours: string;
  onWhat: (what: What) => void;
  onHours: (hours: string) => void;
}

/** What, and for how long. */
export function RestrictionFields({ what, hours, onWhat, onHours }: FieldsProps) {
  return (
    <>
      <Select label={words.what} value={what} options={kinds} onChange={onWhat} />
      <p class="quiet small">{words.kinds[what].hint}</p>
      <Select label={words.duration} value={hours} options={words.durations} onChange={onHours} />
    </>
  );
}
