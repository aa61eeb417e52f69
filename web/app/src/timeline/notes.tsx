/** The lines of a timeline that are no messages: who joined, what was renamed, notices of the host, days. */
import type { Event } from "@chatd/client";
import type { Policy } from "@chatd/client/conversations";
import { durationText } from "../groups/durations.js";
import { day } from "../locale/dates.js";
import { momentOf } from "../locale/moments.js";
import { t } from "../locale/locale.js";
import { me } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import type { Chat } from "./chat.js";

export function Day({ time }: { time: number }) {
  return (
    <div class="day">
      <span>{day(time)}</span>
    </div>
  );
}

export function Divider() {
  return (
    <div class="divider">
      <span>{t("chat.new-messages")}</span>
    </div>
  );
}

export function NoteRow({ chat, seq }: { chat: Chat; seq: number }) {
  const event = chat.model.notes.value.find((note) => note.seq === seq);
  // A chat of two has no creation to tell of.
  const told = event && !(event.kind === "created" && chat.state.summary.value.peer);
  const text = told ? noteText(event, chat.state.summary.value.kind === "channel") : "";
  if (!text) return null;
  return (
    <div class={event!.kind === "notice" ? "note notice-note" : "note"} data-seq={seq} dir="auto">
      {text}
    </div>
  );
}

/** The sentence about an event; empty for one that says nothing to a reader. */
export function noteText(event: Event, isChannel = false): string {
  // Without a user the app itself did it.
  const who = event.user ? nameOf(event.user, "chat.you") : t("note.app");
  const users = (event.users ?? []).map((user) => (typeof user === "string" ? user : user.user));
  const names = users.map((user) => nameOf(user, "chat.you-object")).join(t("names.separator"));
  switch (event.kind) {
    case "created":
      return t(isChannel ? "note.created.channel" : "note.created", { who });
    case "joined":
      return users.length === 1 && users[0] === event.user ? t("note.joined", { who }) : t("note.added", { who, names });
    case "left":
      return t("note.left", { who: users[0] ? nameOf(users[0], "chat.you") : who });
    case "removed":
      return t("note.removed", { who, names });
    case "role":
      return roleText(event, who);
    case "settings":
      return settingsText(event, who);
    case "announcement":
      return t(event.set === false ? "note.unannounced" : "note.announced", { who });
    case "nickname":
      return nicknameText(event, who);
    case "silenced":
      return silencedText(event, who, names);
    case "notice":
      return event.body?.text ?? "";
    default:
      return event.fallback ?? "";
  }
}

function roleText(event: Event, who: string): string {
  const lines = (event.users ?? []).flatMap((entry) => {
    if (typeof entry === "string") return [];
    const name = nameOf(entry.user, "chat.you-object");
    if (entry.role === "owner") return [t("note.owner", { who, name })];
    return [entry.role === "admin" ? t("note.admin", { who, name }) : t("note.member", { who, name })];
  });
  return lines.join(" · ");
}

/** Somebody named themself, or took the name of another away. */
function nicknameText(event: Event, who: string): string {
  const { nickname = "", users = [] } = event as Event & { nickname?: string };
  const [other] = users;
  const name = typeof other === "string" && other !== event.user ? nameOf(other, "chat.you-object") : "";
  if (name) return t("note.unnamed", { who, name });
  return nickname ? t("note.nickname", { who, nickname }) : t("note.nickname.none", { who });
}

function silencedText(event: Event, who: string, names: string): string {
  const { until = 0 } = event as Event & { until?: number };
  if (!until) return t("note.silence.end", { who, names });
  return until === 1 ? t("note.silenced", { who, names }) : t("note.silenced.until", { who, names, time: momentOf(until) });
}

function settingsText({ title, avatar, public: open, ...more }: Event, who: string): string {
  if (title !== undefined) return t("note.title", { who, title });
  if (avatar !== undefined) return t("note.avatar", { who });
  const { policy, about, tags, comments, channel } = more as { policy?: Policy } & Pick<Event, "about" | "tags" | "comments" | "channel">;
  if (comments !== undefined) return t(comments ? "note.comments" : "note.comments.none", { who });
  if (channel !== undefined) return t(channel ? "note.channel" : "note.channel.none", { who });
  if (about !== undefined || tags) return t("note.about", { who });
  if (policy) return policyText(policy, who);
  if (open !== undefined) return open ? t("note.public", { who }) : t("note.private", { who });
  return "";
}

/** A change of the rules; that of one which all feel is told by its name. */
function policyText({ join, post, slow_s, retain_s }: Policy, who: string): string {
  if (join === "request") return t("note.requests", { who });
  if (join) return t(join === "open" ? "note.public" : "note.private", { who });
  if (post) return t(post === "member" ? "note.post.all" : "note.post.staff", { who });
  if (slow_s !== undefined) return slow_s ? t("note.slow", { who, time: durationText(slow_s) }) : t("note.slow.none", { who });
  if (retain_s !== undefined) return retain_s ? t("note.retain", { who, time: durationText(retain_s) }) : t("note.retain.none", { who });
  return t("note.rules", { who });
}

function nameOf(user: string | undefined, you: "chat.you" | "chat.you-object"): string {
  if (!user) return "";
  return user === me.value ? t(you) : userOf(user).value.name;
}
