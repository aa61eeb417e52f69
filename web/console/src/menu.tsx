/** The names of the pages in their groups: a side, a bar at the bottom of a phone, and the page More. */
import { may, type Route } from "./host_api.js";
import { hostTexts } from "./host_texts.js";
import { Icon, type IconName } from "./icons.js";
import { Card } from "./parts.js";
import { texts } from "./texts.js";

export type PageName = keyof typeof texts.pages;

/** The pages of each group, with the route that must be open for one. */
const GROUPS: Record<keyof typeof hostTexts.groups, readonly (readonly [PageName, Route?])[]> = {
  server: [["now"], ["sessions"], ["slow"], ["storage"], ["settings"], ["log"]],
  chat: [
    ["people", "GET /v1/users"],
    ["rooms", "GET /v1/rooms/{room}"],
    ["reports", "GET /v1/reports"],
    ["filters", "GET /v1/filters"],
  ],
  host: [
    ["delivery", "GET /v1/hooks"],
    ["keys", "GET /v1/keys"],
    ["audit", "GET /v1/audit"],
  ],
};
/** The bar has as many as fit a thumb, and More. */
const IN_BAR = 4;
const FIRST_IN_BAR: readonly PageName[] = ["now", "people", "rooms", "reports", "log", "sessions"];

/** The pages that this visitor may see, by group. */
export function groups(): [string, PageName[]][] {
  const all = Object.entries(GROUPS).map(([group, pages]): [string, PageName[]] => {
    const open = pages.filter(([, route]) => !route || may(route)).map(([page]) => page);
    return [hostTexts.groups[group as keyof typeof GROUPS], open];
  });
  return all.filter(([, pages]) => pages.length);
}

export function Menu({ shown }: { shown: PageName }) {
  const found = groups();
  const open = found.flatMap(([, pages]) => pages);
  const inBar = FIRST_IN_BAR.filter((page) => open.includes(page)).slice(0, IN_BAR);
  const link = (page: PageName) => (
    <a
      key={page}
      class={inBar.includes(page) ? "in-bar" : page === "more" ? "in-bar only-bar" : undefined}
      href={`#/${page}`}
      aria-current={page === shown || (page === "more" && !inBar.includes(shown)) ? "page" : undefined}
    >
      <Icon name={page as IconName} />
      <span>{texts.pages[page].title}</span>
    </a>
  );
  return (
    <nav aria-label={texts.menu}>
      {found.map(([group, pages]) => [
        <p key={group} class="nav-group">
          {group}
        </p>,
        pages.map(link),
      ])}
      {link("more")}
    </nav>
  );
}

/** All pages, for a phone. */
export function MorePage() {
  return (
    <>
      {groups().map(([group, pages]) => (
        <Card key={group} title={group} class="more">
          <ul class="entries">
            {pages.map((page) => (
              <li key={page}>
                <a class="more-link" href={`#/${page}`}>
                  <Icon name={page as IconName} />
                  <span>
                    {texts.pages[page].title}
                    <span class="quiet small">{texts.pages[page].hint}</span>
                  </span>
                </a>
              </li>
            ))}
          </ul>
        </Card>
      ))}
    </>
  );
}
