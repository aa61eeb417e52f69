/** The window: banner, list, chat and details side by side as far as there is room, and the tabs. */
import type { ComponentChildren } from "preact";
import { t } from "../locale/locale.js";
import { ChatPane } from "../rooms/chat_pane.js";
import { ChatList } from "../rooms/chat_list.js";
import { Announcer } from "./announcer.js";
import { Banner } from "./banner.js";
import { Boundary } from "./boundary.js";
import { DialogHost } from "./dialog.js";
import { Empty } from "./drawings.js";
import { Icon, type IconName } from "./icons.js";
import { lazy } from "./lazy.js";
import { detailsBeside, panes, usePanes } from "./panes.js";
import { follow, hrefOf, list, onlyChat, openRoom, route, type Route } from "./router.js";
import { startSession, stage } from "./session.js";
import { Skeleton } from "./skeleton.js";
import { Count } from "./count.js";
import { friendRequests, peopleOn } from "./contacts.js";
import { closed, totalUnread } from "./state.js";

const Details = lazy(async () => (await import("../rooms/details.js")).Details);
const MePage = lazy(async () => (await import("../me/me_page.js")).MePage);
const PeopleList = lazy(async () => (await import("../people/people_list.js")).PeopleList);
const PersonPage = lazy(async () => (await import("../people/person_page.js")).PersonPage);
const Friends = lazy(async () => (await import("../people/friends.js")).Friends);
const RequestList = lazy(async () => (await import("../people/request_list.js")).RequestList);
const PeoplePage = lazy(async () => (await import("../people/pages.js")).PeoplePage);
const InvitePage = lazy(async () => (await import("../groups/invite_page.js")).InvitePage);
const OffersPage = lazy(async () => (await import("../groups/invitations_dialog.js")).OffersPage);
const Stopped = lazy(async () => (await import("./stopped.js")).Stopped);
const SignIn = lazy(async () => (await import("../sign_in/sign_in.js")).SignIn);

export function App() {
  const root = usePanes();
  return (
    <div ref={root} class="app" data-panes={panes}>
      <Content />
      <DialogHost />
      <Announcer />
    </div>
  );
}

/** The close codes after which a client must not come back by itself, and of which this one shows a page. */
const ENDS = [4101, 4202, 4203, 4204] as const;
export type End = (typeof ENDS)[number];
const isEnd = (code?: number): code is End => ENDS.includes(code as End);

function Content() {
  const code = closed.value?.code;
  if (stage.value === "signIn") return <SignIn />;
  if (stage.value === "unreachable") return <Unreachable />;
  if (isEnd(code)) return <Stopped code={code} />;
  return <Panes />;
}

function Panes() {
  const { name } = route.value;
  const single = panes.value === 1;
  const lists = name === "chats" || name === "requests" || name === "people";
  const showsList = !onlyChat.value && (!single || lists);
  const showsMain = !single || !showsList;
  const showsTabs = !onlyChat.value && (!single || lists || name === "me");
  const beside = detailsBeside.value;
  return (
    <div class="panes" data-side={beside} data-only={onlyChat}>
      <Banner />
      {showsList && <ListPane single={single} />}
      {showsMain && (
        <main class="pane main">
          <Boundary key={`${route.value.name}${openRoom.value}`}>
            <Main />
          </Boundary>
        </main>
      )}
      {beside && route.value.name === "chat" && (
        <aside class="pane side" aria-label={t("nav.details")}>
          <Boundary key={route.value.room}>
            <Details room={route.value.room} />
          </Boundary>
        </aside>
      )}
      {showsTabs && <Tabs />}
    </div>
  );
}

/** The list; where it is the only pane, it is the main part of the page. */
function ListPane({ single }: { single: boolean }) {
  const Pane = single ? "main" : "section";
  return (
    <Pane class="pane list" aria-label={t(`nav.${list.value}`)}>
      <Shown />
    </Pane>
  );
}

function Shown() {
  if (list.value === "requests" && peopleOn.value) return <RequestList />;
  if (list.value !== "people") return <ChatList />;
  return peopleOn.value ? <Friends /> : <PeopleList />;
}

function Main() {
  const now = route.value;
  if (stage.value === "starting") return <Skeleton />;
  if (now.name === "me") return <MePage />;
  if (now.name === "page" && now.of === "invite" && now.page === "offers") return <OffersPage />;
  if (now.name === "page" && now.of === "invite") return <InvitePage key={now.page} invite={now.page} />;
  if (now.name === "page" && (peopleOn.value || now.page === "notifications")) return <PeoplePage {...now} />;
  if (now.name === "person") return <PersonPage key={now.user} user={now.user} />;
  if (now.name !== "chat") return <Empty drawing="chats" title={t("main.empty.title")} text={t("main.empty")} />;
  if (now.about && panes.value < 3) return <Details key={now.room} room={now.room} page />;
  return <ChatPane key={now.room} room={now.room} />;
}

function Tabs() {
  const unread = totalUnread.value;
  const now = route.value;
  const isMe = now.name === "me" || (now.name === "page" && now.of === "me");
  const current = isMe ? "me" : list.value;
  return (
    <nav class="tabs" aria-label={t("nav.main")}>
      <Tab to={{ name: "chats" }} icon="chat" current={current === "chats" || current === "requests"}>
        {t("nav.chats")}
        {unread > 0 && <span class="unseen">{t("row.unread", { count: unread })}</span>}
      </Tab>
      <Tab to={{ name: "people" }} icon="people" current={current === "people"} count={friendRequests.value}>
        {t("nav.people")}
        {friendRequests.value > 0 && <span class="unseen">{t("people.requests", { count: friendRequests.value })}</span>}
      </Tab>
      <Tab to={{ name: "me" }} icon="person" current={current === "me"}>
        {t("nav.me")}
      </Tab>
    </nav>
  );
}

interface TabProps {
  to: Route;
  icon: IconName;
  current: boolean;
  /** What waits for an answer behind it. */
  count?: number;
  children: ComponentChildren;
}

function Tab({ to, icon, current, count = 0, children }: TabProps) {
  return (
    <a class="tab" href={hrefOf(to)} onClick={follow} aria-current={current ? "page" : undefined}>
      <span class="tab-icon">
        <Icon name={icon} />
        {count > 0 && <Count count={count} />}
      </span>
      <span>{children}</span>
    </a>
  );
}

function Unreachable() {
  return (
    <main class="full">
      <Empty drawing="offline" title={t("unreachable.title")} text={t("unreachable.text")}>
        <button type="button" class="button primary" onClick={() => void startSession()}>
          {t("action.retry")}
        </button>
      </Empty>
    </main>
  );
}
