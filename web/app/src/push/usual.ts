import { levelOf, type Asking, type Level, type Levels } from "@chatd/client/people";

/** Return the choice of the account for such a chat; of the posts of a channel one is told by the own choice for it only. */
export function usualOf(chat: Pick<Asking, "kind" | "peer" | "members">, wishes: Levels): Level {
  if (chat.kind === "channel") return "none";
  return levelOf(chat.peer ? { peer: chat.peer } : { members: chat.members ?? 0 }, wishes, 0);
}
