/** The routes: `#/` chats, `#/requests` of strangers, `#/r/R` a chat, `#/r/R/about`, `#/r/R/7` comments on a post, `#/people`, `#/u/U` a person, `#/me`,
 * pages below these, as `#/people/circles/2` and `#/me/privacy`, `#/invite/I` the way into a group, and
 * `#/invite/offers` those that were offered.
 *
 * The page keeps its route in the hash. The embedded element does not own the address of its page and keeps it in memory.
 */
import { computed, signal } from "@preact/signals";
import { roomOf } from "./state.js";

export type Route =
  | { name: "chats" | "requests" | "people" | "me" }
  | { name: "chat"; room: string; about: boolean; post?: number }
  | { name: "person"; user: string }
  | { name: "page"; of: "people" | "me" | "invite"; page: string; id: string };

type List = "chats" | "requests" | "people";

const path = signal("/");
let inMemory = false;

/** Whether one chat fills the client, without the list: the layout `chat` of an embedded one. */
export const onlyChat = signal(false);

/** Return the route of a path; what it does not know is the list of chats. */
export function parse(text: string): Route {
  const [first = "", second = "", third = ""] = text.split("/").slice(1).map(decode);
  if (first === "r" && second) return { name: "chat", room: second, about: third === "about", ...(Number(third) && { post: Number(third) }) };
  if (first === "u" && second) return { name: "person", user: second };
  if ((first === "people" || first === "me" || first === "invite") && second) return { name: "page", of: first, page: second, id: third };
  if (first === "people" || first === "me" || first === "requests") return { name: first };
  return { name: "chats" };
}

/** Return the path of a route. */
export function pathOf(to: Route): string {
  if (to.name === "chat") return `/r/${encodeURIComponent(to.room)}${to.about ? "/about" : to.post ? `/${to.post}` : ""}`;
  if (to.name === "person") return `/u/${encodeURIComponent(to.user)}`;
  if (to.name === "page") return `/${to.of}/${to.page}${to.id && `/${encodeURIComponent(to.id)}`}`;
  return to.name === "chats" ? "/" : `/${to.name}`;
}

/** The route that is shown. */
export const route = computed(() => parse(path.value));

/** The id of the room that is open; empty if none is. */
export const openRoom = computed(() => (route.value.name === "chat" ? route.value.room : ""));

/** The list beside the other panes: the one that was open last. */
export const list = computed<List>((): List => {
  const now = route.value;
  const isRequest = now.name === "chat" && roomOf(now.room)?.summary.value.request;
  if (now.name === "requests" || isRequest) lastList = "requests";
  else if (now.name === "chats" || now.name === "chat") lastList = "chats";
  else if (now.name === "people" || (now.name === "page" && now.of === "people")) lastList = "people";
  return lastList;
});
let lastList: List = "chats";

/** The `href` of a link to a route; in memory it is not followed, and the click calls `go`. */
export const hrefOf = (to: Route): string => `#${pathOf(to)}`;

/** Show a route. With `replace` the one before it is not returned to. */
export function go(to: Route, replace = false): void {
  const next = pathOf(to);
  if (next === path.value) return;
  if (!inMemory && !replace) {
    location.hash = next;
    return;
  }
  if (!inMemory) history.replaceState(null, "", `#${next}`);
  path.value = next;
}

/** The click of a link to a route: followed by the browser, unless the routes are in memory. */
export function follow(event: Event): void {
  const link = (event.currentTarget as HTMLAnchorElement).getAttribute("href");
  if (!inMemory || !link?.startsWith("#/")) return;
  event.preventDefault();
  go(parse(link.slice(1)));
}

/** Show the route one level up: from the details of a chat to the chat, from a chat to its list. */
export function up(): void {
  const now = route.value;
  if (onlyChat.value && now.name === "chat" && !now.about && !now.post) return;
  go(above(now), true);
}

function above(now: Route): Route {
  if (now.name === "chat" && (now.about || now.post)) return { name: "chat", room: now.room, about: false };
  if (now.name === "page" && now.of !== "invite") return now.id ? { ...now, id: "" } : { name: now.of };
  return { name: now.name === "chat" || now.name === "person" ? list.value : "chats" };
}

/** Follow the hash of the page, or begin at `start` in memory. */
export function startRoutes(start?: Route): void {
  inMemory = start !== undefined;
  path.value = start ? pathOf(start) : location.hash.slice(1) || "/";
  if (!start) addEventListener("hashchange", () => (path.value = location.hash.slice(1) || "/"));
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
