/** The dialog of the rules of a group; each is in force as soon as it is chosen. */
import "./group_styles.js";
import { useSignal } from "@preact/signals";
import { createRoom, govern, linkComments, mayChange, rulesOf, type Policy, type Role, type Rules } from "@chatd/client/conversations";
import { t } from "../locale/locale.js";
import { offers } from "../shell/contacts.js";
import { Choice, Switch } from "../shell/controls.js";
import { Dialog } from "../shell/dialog.js";
import { errorText } from "../shell/errors.js";
import { titleOf } from "../rooms/names.js";
import { allRooms, client, type RoomState } from "../shell/state.js";
import { durationText } from "./durations.js";

const SLOW_S = [0, 10, 30, 60, 300, 900, 3600];
const DAY_S = 86_400;
export const RETAIN_S = [0, DAY_S, 7 * DAY_S, 30 * DAY_S, 90 * DAY_S, 365 * DAY_S];
/** In place of the id of a group. */
const NEW = "new";
const ROLES: readonly Role[] = ["member", "admin", "owner"];

type Flag = "approve" | "no_forward" | "hide_members" | "listed";

export function RulesDialog({ room }: { room: RoomState }) {
  const summary = room.summary.value;
  const rules = rulesOf(summary);
  const problem = useSignal("");
  const set = async (policy: Policy) => {
    problem.value = "";
    await govern(room.room, { policy }).catch((error: unknown) => (problem.value = errorText(error)));
  };
  const pick = { rules, isLocked: (rule: keyof Policy) => !mayChange(summary, rule), set };
  const isChannel = summary.kind === "channel";
  return (
    <Dialog title={t(isChannel ? "channel.rules" : "rules.title")}>
      <p class="problem" role="alert">
        {problem}
      </p>
      <section class="rules" aria-label={t("rules.entering")}>
        <h3>{t("rules.entering")}</h3>
        <Pick {...pick} rule="join" options={["closed", "request", "open"]} />
        <RolePick {...pick} rule="invite" />
        <Toggle {...pick} rule="approve" />
        <Pick {...pick} rule="history" options={["none", "recent", "all"]} />
        {offers("discovery") && <Toggle {...pick} rule="listed" />}
      </section>
      <section class="rules" aria-label={t("rules.writing")}>
        <h3>{t("rules.writing")}</h3>
        <RolePick {...pick} rule="post" roles={isChannel ? ROLES.slice(1) : ROLES} />
        {!isChannel && <Seconds {...pick} rule="slow_s" steps={SLOW_S} none={t("rules.slow_s.none")} />}
        {!isChannel && <RolePick {...pick} rule="mention_all" />}
        <RolePick {...pick} rule="pin" />
        <RolePick {...pick} rule="info" />
      </section>
      {isChannel && summary.role === "owner" && <CommentsChoice room={room} onProblem={(text) => (problem.value = text)} />}
      <section class="rules" aria-label={t("rules.keeping")}>
        <h3>{t("rules.keeping")}</h3>
        <Seconds {...pick} rule="retain_s" steps={RETAIN_S} none={t("rules.retain_s.none")} />
        <Toggle {...pick} rule="no_forward" />
        {!isChannel && <Toggle {...pick} rule="hide_members" />}
      </section>
    </Dialog>
  );
}

/** The group in which posts are commented on: one of those that the user owns, or a new one. */
function CommentsChoice({ room, onProblem }: { room: RoomState; onProblem: (text: string) => void }) {
  const { comments = "" } = room.summary.value;
  // Others read it without the isolates that a text of this page has.
  const title = t("comments.new.title", { title: titleOf(room) }).replace(/[\u2068\u2069]/g, "");
  const owned = allRooms().filter(({ id, summary }) => {
    const { kind, peer, role, channel } = summary.value;
    return id === comments || (kind !== "channel" && !peer && role === "owner" && !channel);
  });
  const options = [
    { value: "", label: t("comments.where.none") },
    ...owned.map((group) => ({ value: group.id, label: titleOf(group) })),
    ...(comments ? [] : [{ value: NEW, label: t("comments.new", { title }) }]),
  ];
  const choose = async (value: string) => {
    onProblem("");
    try {
      await linkComments(room.room, value === NEW ? await createRoom(client(), { kind: "group", title }) : value);
    } catch (error) {
      onProblem(errorText(error));
    }
  };
  return (
    <section class="rules" aria-label={t("comments.where")}>
      <h3>{t("comments.title")}</h3>
      <Choice label={t("comments.where")} value={comments} options={options} onChange={(value) => void choose(value)} />
      <p class="quiet small">{t("comments.where.hint")}</p>
    </section>
  );
}

interface PickProps {
  rules: Rules;
  isLocked: (rule: keyof Policy) => boolean;
  set: (policy: Policy) => Promise<void>;
}

/** One of some words. */
function Pick({ rules, isLocked, set, rule, options }: PickProps & { rule: "join" | "history"; options: readonly string[] }) {
  const labelled = options.map((value) => ({ value, label: t(`rules.${rule}.${value}` as "rules.join.open") }));
  return (
    <Choice
      label={t(`rules.${rule}`)}
      value={rules[rule] as string}
      options={labelled}
      disabled={isLocked(rule)}
      onChange={(value) => void set({ [rule]: value })}
    />
  );
}

interface RolePickProps extends PickProps {
  rule: "invite" | "post" | "mention_all" | "pin" | "info";
  roles?: readonly Role[];
}

function RolePick({ rules, isLocked, set, rule, roles = ROLES }: RolePickProps) {
  const options = roles.map((value) => ({ value, label: t(`rules.role.${value}`) }));
  return (
    <Choice
      label={t(`rules.${rule}`)}
      value={rules[rule]}
      options={options}
      disabled={isLocked(rule)}
      onChange={(value) => void set({ [rule]: value })}
    />
  );
}

function Seconds(props: PickProps & { rule: "slow_s" | "retain_s"; steps: readonly number[]; none: string }) {
  const { rules, isLocked, set, rule, steps, none } = props;
  return (
    <SecondsChoice
      label={t(`rules.${rule}`)}
      value={rules[rule]}
      steps={steps}
      none={none}
      disabled={isLocked(rule)}
      onChange={(value) => void set({ [rule]: value })}
    />
  );
}

interface SecondsProps {
  label: string;
  value: number;
  steps: readonly number[];
  /** What 0 means. */
  none: string;
  disabled?: boolean;
  onChange: (value: number) => void;
}

/** A time out of some; one that somebody else chose is among them. */
export function SecondsChoice({ label, value, steps, none, disabled = false, onChange }: SecondsProps) {
  const shown = steps.includes(value) ? steps : [...steps, value].sort((one, other) => one - other);
  const options = shown.map((seconds) => ({ value: `${seconds}`, label: seconds ? durationText(seconds) : none }));
  return <Choice label={label} value={`${value}`} options={options} disabled={disabled} onChange={(next) => onChange(Number(next))} />;
}

function Toggle({ rules, isLocked, set, rule }: PickProps & { rule: Flag }) {
  return (
    <Switch
      label={t(`rules.${rule}`)}
      hint={t(`rules.${rule}.hint`)}
      on={rules[rule]}
      disabled={isLocked(rule)}
      onChange={(on) => void set({ [rule]: on })}
    />
  );
}
