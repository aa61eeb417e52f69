/** Why the user was notified, or not: the decisions of the last day. */
import "./styles.js";
import { useSignal } from "@preact/signals";
import type { Message } from "@chatd/client";
import { pushDecisions } from "@chatd/client/push";
import { useEffect } from "preact/hooks";
import { dateAndTime, sameDay, shortTime, timeOfDay } from "../locale/dates.js";
import { t } from "../locale/locale.js";
import { faceOf, titleOf } from "../rooms/names.js";
import { Avatar } from "../shell/avatar.js";
import { pushOffer } from "../shell/contacts.js";
import { Segments } from "../shell/controls.js";
import { Empty } from "../shell/drawings.js";
import { Icon } from "../shell/icons.js";
import { PageHead } from "../shell/page_head.js";
import { follow, hrefOf } from "../shell/router.js";
import { Skeleton } from "../shell/skeleton.js";
import { client, phase, roomOf } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { useDeviceNames } from "./device_names.js";
import { gather, type Told } from "./gather.js";
import { Outcomes } from "./outcomes.js";
import { isSent, refusalText } from "./reasons.js";

/** The most that one request brings (protocol.md, "push.decisions"). */
const LIMIT = 50;
const FILTERS = ["all", "silent"] as const;

export function WhyPage() {
  return (
    <>
      <PageHead title={t("why.title")} />
      {pushOffer.value ? <Reasons /> : <Empty drawing="search" text={t("push.none")} />}
    </>
  );
}

function Reasons() {
  const told = useSignal<readonly Told[] | null>(null);
  const problem = useSignal("");
  const filter = useSignal<(typeof FILTERS)[number]>("all");
  const ready = phase.value === "ready";
  const load = async () => {
    problem.value = "";
    try {
      told.value = gather(await pushDecisions(client(), { limit: LIMIT }));
    } catch (error) {
      problem.value = refusalText(error);
    }
  };
  useEffect(() => void (ready && load()), [ready]);
  const devices = useDeviceNames();
  const messages = useMessages(told.value ?? []);
  if (problem.value)
    return (
      <Empty drawing="offline" text={problem.value}>
        <button type="button" class="button primary" onClick={() => void load()}>
          {t("action.retry")}
        </button>
      </Empty>
    );
  if (!told.value) return <Skeleton />;
  if (!told.value.length) return <Empty drawing="chats" text={t("why.empty")} />;
  const shown = told.value.filter(({ decisions }) => filter.value === "all" || !decisions.some(({ outcome }) => isSent(outcome)));
  const options = FILTERS.map((value) => ({ value, label: t(`why.filter.${value}`) }));
  return (
    <div class="scroller page">
      <p class="page-text">{t("why.text")}</p>
      <section class="card" aria-label={t("why.title")}>
        <Segments label={t("why.filter")} value={filter.value} options={options} onChange={(next) => (filter.value = next)} />
        {shown.map((one) => (
          <Row key={one.key} told={one} message={messages.get(one.key)} devices={devices} />
        ))}
        {!shown.length && <p class="card-text quiet">{t("why.filter.none")}</p>}
      </section>
    </div>
  );
}

const KINDS = ["message", "mention", "reaction", "friend", "invite", "offer", "accepted", "join", "test"] as const;

/** Return the messages that they are about, by the keys of `told`, once they were fetched. */
function useMessages(told: readonly Told[]): ReadonlyMap<string, Message> {
  const found = useSignal<ReadonlyMap<string, Message>>(new Map());
  useEffect(() => {
    const rooms = new Set(told.flatMap(({ room, seq }) => (room && seq && roomOf(room) ? room : [])));
    for (const id of rooms) {
      const here = told.filter(({ room, seq }) => room === id && seq);
      const take = (messages: readonly Message[]) => {
        const known = here.flatMap(({ key, seq }) => messages.filter((one) => one.seq === seq).map((one) => [key, one] as const));
        found.value = new Map([...found.peek(), ...known]);
      };
      client()
        .room(id)
        .fetch(here.map(({ seq }) => seq!))
        .then(take, () => undefined);
    }
  }, [told]);
  return found.value;
}

interface RowProps {
  told: Told;
  message: Message | undefined;
  devices: ReadonlyMap<string, string>;
}

function Row({ told, message, devices }: RowProps) {
  const room = told.room ? roomOf(told.room) : null;
  const kind = KINDS.find((one) => one === told.kind);
  const label = kind ? t(`why.kind.${kind}`) : told.kind;
  return (
    <article class="told">
      {room ? <Avatar {...faceOf(room)} online={false} size="header" /> : <Disc kind={told.kind} />}
      <div class="told-text">
        <header class="told-head">
          {room ? (
            <a class="line name" href={hrefOf({ name: "chat", room: room.id, about: false })} onClick={follow}>
              <bdi>{titleOf(room)}</bdi>
            </a>
          ) : (
            <span class="line name">{told.room ? t("room.untitled") : label}</span>
          )}
          <time class="small quiet" title={dateAndTime(told.time)}>
            {sameDay(told.time, Date.now()) ? timeOfDay(told.time) : `${shortTime(told.time)} ${timeOfDay(told.time)}`}
          </time>
        </header>
        {told.room && <Said message={message} label={label} peer={room?.summary.value.peer} />}
        <Outcomes decisions={told.decisions} devices={devices} />
      </div>
    </article>
  );
}

function Disc({ kind }: { kind: string }) {
  return (
    <span class="told-disc">
      <Icon name={kind === "friend" ? "person-add" : kind === "test" ? "bell" : "chat"} />
    </span>
  );
}

/** The message it is about, once it is there; else what kind of news it was. The name of a peer stands above it. */
function Said({ message, label, peer }: { message: Message | undefined; label: string; peer: string | undefined }) {
  const name = message?.user ? userOf(message.user).value.name : "";
  const text = message?.text?.slice(0, 200);
  return (
    <span class="line small quiet">
      {text && name ? <bdi>{message?.user === peer ? text : t("why.said", { name, text })}</bdi> : label}
    </span>
  );
}
