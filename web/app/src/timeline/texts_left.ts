/** How many texts one may still write to somebody who has not accepted them. */
import { useEffect } from "preact/hooks";
import { contactOf, peopleOn } from "../shell/contacts.js";
import { client, me, phase } from "../shell/state.js";
import type { Chat } from "./chat.js";

/** Milliseconds between two looks whether they accepted, while the chat is open. */
const LOOK_MS = 60_000;

/** The number of texts; undefined where both may write. */
export function useTextsLeft(chat: Chat): number | undefined {
  const { state, model } = chat;
  const { peer, asked = 0 } = state.summary.value;
  const { messages } = model.stretch.value;
  const stranger = peopleOn.value && peer !== "" && peer !== me.value && contactOf(peer)?.state !== "friend";
  const isUnanswered = asked > 0 || (messages.length > 0 && messages.every(({ user }) => user === me.value));
  const isAsking = stranger && isUnanswered && phase.value === "ready";
  useEffect(() => {
    if (!isAsking) return;
    // Nobody is told that they were accepted before the other writes.
    const look = () => void state.room.refresh().catch(() => undefined);
    look();
    const timer = setInterval(() => document.hidden || look(), LOOK_MS);
    return () => clearInterval(timer);
  }, [isAsking, messages.length]);
  const isRefused = model.waiting.value.some(({ state: is, error }) => is === "failed" && error?.code === "request_pending");
  if (!stranger || !(asked || isRefused)) return undefined;
  return isRefused ? 0 : Math.max(0, client().limits.request_texts - asked);
}
