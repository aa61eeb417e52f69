/** The pages below People and Me, by their names in the address. */
import "./people_styles.js";
import { Empty } from "../shell/drawings.js";
import { lazy } from "../shell/lazy.js";
import { PageHead } from "../shell/page_head.js";
import { t } from "../locale/locale.js";
import { CirclePage, CirclesPage } from "./circles_page.js";
import { FollowingPage } from "./following_page.js";
import { RequestsPage } from "./requests_page.js";

const BlockedPage = lazy(async () => (await import("./blocked_page.js")).BlockedPage);
const MyCardPage = lazy(async () => (await import("./my_card.js")).MyCardPage);
const NotificationsPage = lazy(async () => (await import("../push/notifications_page.js")).NotificationsPage);
const WhyPage = lazy(async () => (await import("../push/why_page.js")).WhyPage);
const PrivacyPage = lazy(async () => (await import("./privacy_page.js")).PrivacyPage);

export function PeoplePage({ of, page, id }: { of: "people" | "me" | "invite"; page: string; id: string }) {
  switch (`${of}/${page}`) {
    case "people/requests":
      return <RequestsPage />;
    case "people/circles":
      return id ? <CirclePage key={id} number={Number(id)} /> : <CirclesPage />;
    case "people/following":
      return <FollowingPage />;
    case "me/blocked":
      return <BlockedPage />;
    case "me/card":
      return <MyCardPage />;
    case "me/privacy":
      return <PrivacyPage />;
    case "me/notifications":
      return id ? <WhyPage /> : <NotificationsPage />;
    default:
      return (
        <>
          <PageHead title={t(`nav.${of}`)} />
          <Empty drawing="search" text={t("error.not_found")} />
        </>
      );
  }
}
