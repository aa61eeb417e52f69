/** The packets of the protocol; generated from protocol.md by `python -m tests.kit.typescript`.
 *
 * They describe what a peer that keeps to the protocol sends: unknown keys are ignored, and an absent key has its
 * default. */

/** A packet as it is sent, or as it was decoded. */
export type Packet = { [key: string]: any };

/** One entry in the log of a room (protocol.md, "Event"). */
export type Event = {
  /** position in the log */
  seq: number;
  /** kind, see below */
  kind: string;
  /** who did it; absent where the host app did: on `created`, `recall`, `joined`, `removed`, `role`, `settings`, `silenced`, `nickname`, `announcement` */
  user?: string;
  /** when it was stored */
  time: number;
  /** number of the message */
  ordinal?: number;
  /** the author's `key`; one that the server made has a colon */
  key?: string;
  /** the client's clock when it was written (9.3) */
  composed_at?: number;
  /** the post of the channel that it comments on (24.3.4) */
  post?: number;
  /** `seq` of the message acted on */
  target?: number;
  /** content; absent when recalled */
  body?: Body;
  /** `seq` of the last change; absent: never changed */
  changed?: number;
  /** time of the last edit; absent: never edited */
  edited?: number;
  /** recalled; there is no `body` */
  recalled?: boolean;
  /** pinned in the room */
  pinned?: boolean;
  /** how many reacted with what; absent or empty: nobody */
  reactions?: { emoji: string; count: number }[];
  /** own reactions */
  mine?: string[];
  /** text to show when the kind is unknown */
  fallback?: string;
  /** On created */
  users?: string[] | { user: string; role: string }[];
  /** On reaction */
  emoji?: string;
  /** On reaction */
  set?: boolean;
  /** On erased */
  from?: number;
  /** On erased */
  to?: number;
  /** On settings */
  title?: string;
  /** On settings */
  avatar?: string;
  /** On settings */
  public?: boolean;
  /** On settings */
  data?: unknown;
  /** On settings */
  about?: string;
  /** On settings */
  tags?: string[];
  /** On settings */
  policy?: Policy;
  /** On settings */
  comments?: string;
  /** On settings */
  channel?: string;
  /** On silenced */
  until?: number;
  /** On nickname */
  nickname?: string;
};

/** Protocol.md, "Body". */
export type Body = {
  /** text */
  text?: string;
  /** at most 10 */
  attachments?: Attachment[];
  /** `seq` of the message this one answers */
  reply_to?: number;
  /** `seq` of the message that began the thread */
  thread?: number;
  /** at most 50 users, or `["*"]` for everybody */
  mentions?: string[];
  /** of bots and official accounts: at most 5 rows of 1 to 3 buttons (21.4.2) */
  buttons?: Button[][];
  /** something shared (24.4.1) */
  card?: Card;
  /** at most 50, where mentions stand in `text` (24.4.2) */
  spans?: Span[];
  /** where it comes from; written by the server (24.4.3) */
  forwarded?: MessageOrigin;
  /** host data (2.4), also for end-to-end encrypted content */
  data?: unknown;
};

/** Protocol.md, "Attachment". */
export type Attachment = {
  /** address, or a key the host app understands; `media:` and an id: a file of this server (23.1) */
  url: string;
  /** MIME type */
  mime: string;
  /** file name */
  name?: string;
  /** bytes */
  size?: number;
  /** pixels */
  width?: number;
  /** pixels */
  height?: number;
  /** milliseconds */
  duration?: number;
  /** tiny preview, in whatever form the host app uses (such as base64 or a BlurHash); of files of this server a ThumbHash, base64 */
  preview?: string;
  /** what it shows or says, in words of the author, for those who cannot see or hear it */
  alt?: string;
  /** `picture`, `video`, `voice`, `sticker`, `file` */
  kind?: string;
  /** smaller renditions besides the full one: `m` up to 1280 pixels, `s` up to 320 */
  sizes?: string[];
  /** loudness of a voice note from its beginning to its end, 64 digits of base 32: `0` to `9`, `a` to `v` */
  waveform?: string;
  /** until when the file is kept */
  expires_at?: number;
};

/** Protocol.md, "RoomSummary". */
export type RoomSummary = {
  /** the room */
  room: string;
  /** last event */
  seq: number;
  /** number of the last message */
  ordinal?: number;
  /** time of the last message; while there is none, of the creation of the room */
  time?: number;
  /** own read position */
  read?: number;
  /** unread messages */
  unread?: number;
  /** unread mentions */
  unread_mentions?: number;
  /** title, avatar (groups) */
  title?: string;
  /** title, avatar (groups) */
  avatar?: string;
  /** host data (groups) */
  data?: unknown;
  /** anybody may `room.join` (groups) */
  public?: boolean;
  /** the other user; present exactly in direct rooms, so it tells the kind of the room */
  peer?: string;
  /** the peer's read position (direct rooms), as far as it is shown (10.9) */
  peer_read?: number;
  /** the peer's delivered position (direct rooms), as far as it is shown */
  peer_delivered?: number;
  /** number of members (groups) */
  members?: number;
  /** own role: `member`, `admin`, `owner` */
  role?: string;
  /** muted until this time; 0 = not muted, 1 = for ever */
  muted_until?: number;
  /** pinned to the top of the list */
  pinned?: boolean;
  /** not in the list, and in no total (11.14) */
  hidden?: boolean;
  /** the peer asks to write, and the user has not answered: not in the list, and in no total but `message_requests` (20.5) */
  request?: boolean;
  /** own texts that wait for the peer to accept (direct rooms), of `request_texts` (20.5) */
  asked?: number;
  /** the picture behind the messages (11.14) */
  wallpaper?: string;
  /** which of its messages the user is told of (22.2); absent: as the account says */
  notify?: "all" | "mentions" | "none";
  /** voice notes of others that the user heard, ascending, the newest 64 (23.4) */
  played?: number[];
  /** own voice notes that the peer heard (direct rooms), as far as it is shown (10.9) */
  peer_played?: number[];
  /** a channel (24.3); absent: a group, or with `peer` a direct room */
  kind?: "channel";
  /** the rules of the room that are not the default of its kind (24.1.1) */
  policy?: Policy;
  /** what it is about (groups) */
  about?: string;
  /** at most 5 words for it (groups) */
  tags?: string[];
  /** `seq` of the message that is its announcement (24.1.8); 0: none */
  announcement?: number;
  /** of a direct room with `retain_s`: messages up to this `seq` stay (24.6.4) */
  kept?: number;
  /** of a channel: the group of its comments (24.3.4) */
  comments?: string;
  /** of a group: the channel whose posts are commented on there */
  channel?: string;
  /** requests to join that wait (24.2), for admins and owners */
  joins?: number;
  /** own name in this room (24.1.7) */
  nickname?: string;
  /** the user may not write until then (24.1.6); 1 = for ever; a time that is past means nothing */
  silenced_until?: number;
  /** the user marked it as unread (24.5) */
  unread_mark?: boolean;
  /** the folder it is in (24.5): 0 none, 1 the archive */
  folder?: number;
  /** first and last message of ranges that the user deleted for themself (24.5.3), ascending, at most 64 */
  deleted?: ([number, number])[];
  /** lowest `seq` this user may see */
  first_visible?: number;
  /** below it only messages remain; operations were folded into them */
  log_floor?: number;
  /** latest message, when asked for */
  preview?: Event;
  /** newest events since the cursor, contiguous, ascending, ending at `seq`, when asked for */
  events?: Event[];
};

/** Protocol.md, "SyncPage". */
export type SyncPage = {
  /** present on the last page only: what to store and send with the next `hello` */
  cursor?: string;
  /** rooms, possibly none */
  rooms: RoomSummary[];
  /** rooms the user is no longer in, at most 1000 */
  gone?: string[];
  /** there is another page: continue with `sync` and this value; then `cursor` is absent */
  more?: string;
  /** the pages of this round together are the complete list of rooms */
  full?: boolean;
  /** on the first page of a round that is full or that names a room in `rooms` or `gone`, or account rows: number of rooms, sums of `unread` and of `unread_mentions` over all that are not `hidden`; with people (20.1) in force the friend requests that wait for an answer, and the rooms with `request`, which the first three leave out: 0 if absent; with push (22.3) in force the number on the icon of the app, 0 if absent. As of `cursor`; absent there: as before */
  totals?: { rooms: number; unread: number; mentions: number; friend_requests?: number; message_requests?: number; badge?: number };
  /** account rows (5.6) by section, behind the rooms of the round */
  sections?: { [name: string]: AccountRow[] };
  /** on the last page: the sections that this round walked in full (5.6) */
  full_sections?: string[];
  /** plates (20.6), as many as fit: in a `full` round of the peers of direct rooms on this page, and where `contacts` is walked in full (20.1) of friends and users with a pending request on it */
  users?: Profile[];
};

/** Protocol.md, "Account rows". */
export type AccountRow = {
  /** which row of its section */
  name: string;
  /** number of its last change; higher is later, also across sections */
  stamp: number;
  /** the whole row; absent: the row is gone */
  value?: unknown;
};

/** Protocol.md, "Contact". */
export type Contact = {
  /** the other user */
  user: string;
  /** number of the last change; 0: there was none yet */
  stamp?: number;
  /** a request was sent to them or received from them, or they are a friend */
  state?: "none" | "sent" | "received" | "friend";
  /** since when it is so, unless `none` */
  since?: number;
  /** end of a request that waits */
  expires_at?: number;
  /** text of a request that waits */
  note?: string;
  /** how they met, as the request said */
  via?: string;
  /** the user's own name for them, whatever `state` is */
  remark?: string;
  /** numbers of the circles they are in; friends only */
  circles?: number[];
  /** the user follows them */
  following?: boolean;
  /** the user blocks them */
  blocked?: boolean;
};

/** Protocol.md, "Circle". */
export type Circle = {
  /** the number by which contacts and privacy (20.4) name it */
  number: number;
  /** the name */
  name: string;
  /** number of the commit that made it */
  since: number;
};

/** Protocol.md, "Audience". */
export type Audience = {
  /** the farthest rank that is in it */
  to: "everyone" | "followers" | "acquaintances" | "friends" | "nobody";
  /** numbers of at most 50 circles that are in it whatever `to` says */
  allow?: number[];
  /** numbers of at most 50 circles that are not in it whatever the rest says */
  deny?: number[];
};

/** Protocol.md, "Privacy". */
export type Privacy = {
  /** by capability; one that is not in it has the audience of the host */
  rules: { [name: string]: Audience };
  /** the host has set them, and the user may not */
  locked?: boolean;
};

/** Protocol.md, "Profile". */
export type Profile = {
  /** who */
  user: string;
  /** the name to show; absent: empty */
  name?: string;
  /** a URL, or a key of the host app */
  avatar?: string;
  /** rises with every change of the card */
  version?: number;
  /** the name by which `users.find` finds them, 3 to 32 of `a-z 0-9 _ .` */
  handle?: string;
  /** a badge that the host gave; it locks `name` and `handle` */
  verified?: string;
  /** `bot`, or `official` for an account that speaks for the host: clients show it beside the name (21.4) */
  kind?: string;
  /** the page, where it was asked for and may be seen */
  page?: Page;
  /** groups of both, at most 20, where the page was asked for */
  common?: string[];
};

/** Protocol.md, "Page". */
export type Page = {
  /** the picture on top: a URL, or a key of the host app */
  cover?: string;
  /** the look: a name the app knows, and at most 4 colours, each `#rrggbb` */
  theme?: { name?: string; colors?: string[] };
  /** some lines about oneself */
  bio?: string;
  /** at most 16 lines of a name and a value; `to`, a word of an audience (20.4), leaves one to fewer people */
  fields?: { name: string; value: string; to?: string }[];
  /** host data */
  data?: unknown;
};

/** Protocol.md, "Button". */
export type Button = {
  /** the text on it */
  label: string;
  /** what a press sends */
  data?: string;
  /** what a press opens */
  url?: string;
};

/** Protocol.md, "PushOffer". */
export type PushOffer = {
  /** those for which the operator has keys */
  platforms: string[];
  /** for `web`: the public key of the server, to subscribe with (RFC 8292), base64url */
  vapid?: string;
  /** this device has a place for `alert` */
  registered?: boolean;
};

/** Protocol.md, "PushPreferences". */
export type PushPreferences = {
  /** messages in direct rooms */
  messages?: "all" | "mentions" | "none";
  /** messages in groups */
  groups?: "all" | "mentions" | "none";
  /** the most that is shown of a message: its text, who wrote, or nothing; the operator may show less */
  content?: "full" | "sender" | "none";
  /** a mention by name is told in a muted room, too; one of everybody never is */
  mute_mentions?: boolean;
  /** friend requests */
  friends?: boolean;
  /** being added to a group, being offered one, and being let in by those whom one asked */
  invites?: boolean;
  /** requests to join groups in which the user decides on them */
  joins?: boolean;
  /** reactions to own messages */
  reactions?: boolean;
  /** at most 7 times of the day in which nothing makes a sound */
  quiet?: { from: string; to: string; days?: number[] }[];
  /** the time zone of `quiet`, as in `Europe/Berlin`; required with it */
  timezone?: string;
  /** in quiet hours: shown without a sound, or not sent at all */
  quiet_mode?: "silent" | "off";
};

/** Protocol.md, "Policy". */
export type Policy = {
  /** who enters alone: nobody, who asks and is let in (24.2), anybody */
  join?: "closed" | "request" | "open";
  /** `members.add`, invites */
  invite?: "member" | "admin" | "owner";
  /** those whom a plain member adds or invites wait for an admin (24.2) */
  approve?: boolean;
  /** `send`, `forward`; `edit` and in groups `react`, too */
  post?: "member" | "admin" | "owner";
  /** seconds between two messages of a plain member */
  slow_s?: number;
  /** a mention of `*` */
  mention_all?: "member" | "admin" | "owner";
  /** title, avatar, `about`, `tags`, `announce` */
  info?: "member" | "admin" | "owner";
  /** pin */
  pin?: "member" | "admin" | "owner";
  /** what newcomers see: what comes, the last 200 events too, everything */
  history?: "none" | "recent" | "all";
  /** seconds for which messages are kept, 3600 at least (24.6); 0: as long as the server keeps them */
  retain_s?: number;
  /** strangers find the room (24.8), where the host app lets them */
  listed?: boolean;
  /** nothing is forwarded out of it (24.4) */
  no_forward?: boolean;
  /** plain members see admins and owners only */
  hide_members?: boolean;
};

/** Protocol.md, "JoinRow and RoomCard". */
export type JoinRow = {
  /** the room */
  room: string;
  /** who asks, or is offered the room */
  user: string;
  /** which of the two */
  kind: "asked" | "offered";
  /** who offers, or whose invite was used; absent: nobody, or the host app */
  by?: string;
  /** from the one who asks to the admins */
  text?: string;
  /** since when */
  time: number;
  /** the room as it was then; not in `joins.list` */
  card?: RoomCard;
};

/** Protocol.md, "JoinRow and RoomCard". */
export type RoomCard = {
  /** its name, where they could join or ask by it */
  room?: string;
  /** `group` or `channel` */
  kind?: string;
  /** as in the summary */
  title?: string;
  /** as in the summary */
  about?: string;
  /** as in the summary */
  avatar?: string;
  /** as in the summary */
  tags?: string[];
  /** how many are in it */
  members?: number;
  /** its rule */
  join?: string;
  /** who uses this invite, or accepts this offer, waits for an admin */
  approve?: boolean;
};

/** Protocol.md, "Invite". */
export type Invite = {
  /** 22 characters; also what a QR code holds, where there is no `url` */
  invite: string;
  /** the user who made it; empty: the host app */
  by: string;
  /** from when to when */
  created_at: number;
  /** from when to when */
  expires_at: number;
  /** how often it was used */
  uses?: number;
  /** how often it can be; 0: no bound */
  uses_max?: number;
  /** who uses it waits for an admin */
  approve?: boolean;
  /** for those who may add */
  label?: string;
  /** the page of the host app that opens it */
  url?: string;
};

/** Protocol.md, "Card". */
export type Card = {
  /** a word of 1 to 16 of `a`–`z` `0`–`9` `_`, the first a letter */
  type: string;
  /** address that it opens */
  url?: string;
  /** what it is */
  title?: string;
  /** some lines of it */
  text?: string;
  /** a picture */
  image?: string;
  /** at most 9 pictures, of an album */
  images?: string[];
  /** id of the thing in the host app, or of a sticker */
  ref?: string;
  /** whose contact it is, or whose post */
  user?: string;
  /** an invite into a room (24.2.3), 22 characters */
  invite?: string;
  /** degrees times 10⁷, north and east positive; `lat` from -900000000 to 900000000, `lon` from -1800000000 to 1800000000 */
  lat?: number;
  /** degrees times 10⁷, north and east positive; `lat` from -900000000 to 900000000, `lon` from -1800000000 to 1800000000 */
  lon?: number;
  /** how many there are, as pictures of an album */
  count?: number;
  /** pixels of a sticker */
  width?: number;
  /** pixels of a sticker */
  height?: number;
  /** what the host app wants to know besides */
  data?: string;
};

/** Protocol.md, "Span". */
export type Span = {
  /** characters before it; a character is a Unicode code point */
  at: number;
  /** characters of it, 1 to 256 */
  length: number;
  /** one of `mentions`; `*` for everybody */
  user: string;
};

/** Protocol.md, "MessageOrigin". */
export type MessageOrigin = {
  /** the channel that it comes from */
  room?: string;
  /** the post there */
  seq?: number;
  /** who wrote it */
  user?: string;
  /** when */
  time?: number;
};

/** A refusal (protocol.md, "error"). */
export type ErrorReply = {
  /** a code of chapter 16 */
  code: string;
  /** `never`: do not retry. `later`: retry the same request after `retry_after` (or with backoff). `after_auth`: retry after a successful `auth`. `after_sync`: retry after synchronising the room or account again. Always present; an unknown value means `never` */
  retry?: string;
  /** milliseconds to wait, with `later`; with `after_auth`: a token signed sooner is no better; with `forbidden` on `hello`: when a ban ends */
  retry_after?: number;
  /** what a limit belongs to: `connection`, `user`, `room`, `address`; `slow`: of this user or room alone (21.2) */
  scope?: string;
  /** English sentence for developers, never shown to users: what is wrong, and what would be right. It may change */
  message?: string;
  /** the offending field, from the packet on: `seq`, `users[3]`, `body.attachments[0].url` */
  field?: string;
  /** a word for the app to explain `rejected` with (21.2, 21.3) */
  reason?: string;
};

/** The reply to a mutation (protocol.md, "Mutations and their key"). */
export type Ack = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** number of the message; only for a message that has one */
  ordinal?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** the event as it was stored, exactly when the request alone does not say what it is: a key of the body that the server does not know was left out, an emoji was put into normal form (9.6), some of the users or settings did not change, a filter of the server changed the text, messages were forwarded (24.4.4) */
  event?: Event;
};

/** `hello`, from the client. */
export type HelloRequest = {
  type: "hello";
  /** highest revision the client speaks (this text: 1) */
  version: number;
  /** JWT (6.4) */
  token: string;
  /** device id */
  device: string;
  /** software, platform, locale; for statistics and push notifications only */
  app?: string;
  /** software, platform, locale; for statistics and push notifications only */
  os?: string;
  /** software, platform, locale; for statistics and push notifications only */
  locale?: string;
  /** feature words wanted, at most 32 */
  features?: string[];
  /** mode (6.5) */
  mode?: "foreground" | "background";
  /** focus set (10.5), at most `limits.focus` rooms; those the user is not in are ignored */
  focus?: string[];
  /** stored epoch; absent on a first sync */
  epoch?: string;
  /** stored cursor; absent on a first sync */
  cursor?: string;
  /** summaries in the first page; more than `limits.page` is taken as that */
  rooms?: number;
  /** include `preview` in summaries; absent: `true` in a `full` round (5.5), otherwise `false` */
  previews?: boolean;
  /** inline up to this many events per changed room; more than 50 is taken as 50; within 48 KiB in total, the most recently active rooms first */
  events?: number;
};

/** The `ok` to `hello`. */
export type HelloReply = {
  /** effective revision: the lower one of both sides */
  version: number;
  /** who the token says you are */
  user: string;
  /** name of this connection in the server's log */
  session: string;
  /** now */
  time: number;
  /** epoch of the history (chapter 4) */
  epoch: string;
  /** feature words in force: those both sides know */
  features: string[];
  /** seconds (6.6) */
  heartbeat: number;
  /** seconds the token remains valid */
  token_ttl: number;
  /** those of 2.7, and thresholds (12.1), that differ from their defaults */
  limits?: { [name: string]: number };
  /** with people (20.4): default, widest and narrowest audience of the capabilities for which the host has set others */
  audiences?: { [name: string]: string[] };
  /** when this revision stops working */
  deprecated_at?: number;
  /** with push (22.1.2): where this device can be registered, and whether it is */
  push?: PushOffer;
  /** with media (23): where files are sent and fetched, the most bytes of one, and the longest voice note */
  media?: { url: string; file_bytes: number; voice_ms: number };
  /** the first page (5.5) */
  sync: SyncPage;
};

/** `sync`, from the client. */
export type SyncRequest = {
  type: "sync";
  /** continue the round: `more` of the page before */
  more?: string;
  /** begin an incremental round from here; not looked at beside `more`; absent like `more`: begin a full round */
  cursor?: string;
  /** most summaries of a page; above `limits.page`: `too_large` */
  rooms?: number;
  /** as in `hello`; absent: what the round began with */
  previews?: boolean;
  /** as in `hello`; absent: what the round began with */
  events?: number;
};

/** The `ok` to `sync`. */
export type SyncReply = {
  /** present on the last page only: what to store and send with the next `hello` */
  cursor?: string;
  /** rooms, possibly none */
  rooms: RoomSummary[];
  /** rooms the user is no longer in, at most 1000 */
  gone?: string[];
  /** there is another page: continue with `sync` and this value; then `cursor` is absent */
  more?: string;
  /** the pages of this round together are the complete list of rooms */
  full?: boolean;
  /** on the first page of a round that is full or that names a room in `rooms` or `gone`, or account rows: number of rooms, sums of `unread` and of `unread_mentions` over all that are not `hidden`; with people (20.1) in force the friend requests that wait for an answer, and the rooms with `request`, which the first three leave out: 0 if absent; with push (22.3) in force the number on the icon of the app, 0 if absent. As of `cursor`; absent there: as before */
  totals?: { rooms: number; unread: number; mentions: number; friend_requests?: number; message_requests?: number; badge?: number };
  /** account rows (5.6) by section, behind the rooms of the round */
  sections?: { [name: string]: AccountRow[] };
  /** on the last page: the sections that this round walked in full (5.6) */
  full_sections?: string[];
  /** plates (20.6), as many as fit: in a `full` round of the peers of direct rooms on this page, and where `contacts` is walked in full (20.1) of friends and users with a pending request on it */
  users?: Profile[];
};

/** `auth`, from the client. */
export type AuthRequest = {
  type: "auth";
  /** new JWT of the same `sub` (and of the same `device`, when it names one), which allows `read` as the one before does, or does not; otherwise `auth_mismatch` */
  token: string;
};

/** The `ok` to `auth`. */
export type AuthReply = {
  /** seconds the new token remains valid */
  token_ttl: number;
};

/** `mode`, from the client. */
export type ModeRequest = {
  type: "mode";
  /** what the app is in now */
  mode: "foreground" | "background";
};

/** The `ok` to `mode`. */
export type ModeReply = {
  /** seconds, for the new mode */
  heartbeat: number;
};

/** `ping`, from the client. */
export type PingRequest = {
  type: "ping";
};

/** The `ok` to `ping`. */
export type PingReply = {
  /** now */
  time: number;
};

/** `pong`, from the client. */
export type PongRequest = {
  type: "pong";
};

/** The `ok` to `pong`. */
export type PongReply = {
};

/** `log`, from the client. */
export type LogRequest = {
  type: "log";
  /** the room */
  room: string;
  /** first `seq` wanted */
  from: number;
  /** last `seq` wanted */
  to?: number;
  /** most events of a page; above `limits.page`: `too_large` */
  limit?: number;
};

/** The `ok` to `log`. */
export type LogReply = {
  /** from `from` on, contiguous, ascending; empty when `from` is above the room's `seq` */
  events: Event[];
  /** the reply was cut; continue with `from` = `next` */
  next?: number;
  /** `from` is below `log_floor` or `first_visible`: `events` is empty, read `history` instead */
  reset?: boolean;
  /** present with `reset` */
  log_floor?: number;
  /** with `reset` */
  first_visible?: number;
  /** the room's head */
  seq: number;
  /** number of the last message; present with `reset` */
  ordinal?: number;
};

/** `history`, from the client. */
export type HistoryRequest = {
  type: "history";
  /** the room */
  room: string;
  /** the newest messages with `seq` < `before` */
  before?: number;
  /** the oldest messages with `seq` > `after` */
  after?: number;
  /** about half of the page below `around`, the rest from `around` on */
  around?: number;
  /** most messages of a page; above 100: `too_large` */
  limit?: number;
  /** only the comments on this post (24.3.4) */
  post?: number;
};

/** The `ok` to `history`. */
export type HistoryReply = {
  /** messages, ascending by `seq` */
  events: Event[];
  /** the interval of `seq` this page fully covers; when it covers nothing, `low` > `high` */
  low: number;
  /** the interval of `seq` this page fully covers; when it covers nothing, `low` > `high` */
  high: number;
  /** the room's head */
  seq: number;
  /** there is nothing older than this page that the user may see */
  end?: boolean;
};

/** `changes`, from the client. */
export type ChangesRequest = {
  type: "changes";
  /** the room */
  room: string;
  /** the cached interval */
  low: number;
  /** the cached interval */
  high: number;
  /** `valid` of that interval */
  since: number;
};

/** The `ok` to `changes`. */
export type ChangesReply = {
  /** messages in [`low`, `high`] with `changed` > `since`, in current state, ascending by `seq` */
  events: Event[];
  /** the room's head: the new `valid` of what was covered */
  seq: number;
  /** the reply was cut; continue with `low` = `next` */
  next?: number;
};

/** `messages`, from the client. */
export type MessagesRequest = {
  type: "messages";
  /** the room */
  room: string;
  /** 1 to 100 numbers */
  seqs: number[];
};

/** The `ok` to `messages`. */
export type MessagesReply = {
  /** those messages, ascending by `seq`; numbers that are no message, or not visible, are left out */
  events: Event[];
};

/** `comments`, from the client. */
export type CommentsRequest = {
  type: "comments";
  /** the channel */
  room: string;
  /** 1 to 50 posts */
  seqs: number[];
};

/** The `ok` to `comments`. */
export type CommentsReply = {
  /** the posts that have comments, ascending; 1000 is 1000 or more */
  counts: { seq: number; count: number }[];
};

/** `send`, from the client. */
export type SendRequest = {
  type: "send";
  /** the room */
  room: string;
  /** 9.1 */
  key: string;
  /** content (5.2), at most `body_bytes` (`too_large`) */
  body: Body;
  /** the client's clock when the message was written; a hint for display, stored only if it differs from `time` by more than 60 s. The author's client, which gets no event, compares it with the `time` of the ack and does the same */
  composed_at?: number;
  /** no `ordinal`, no push notification, counted nowhere */
  silent?: boolean;
  /** the post of the channel that this is a comment on (24.3.4) */
  post?: number;
};

/** The `ok` to `send`. */
export type SendReply = {
  /** the event that was stored; absent where nothing is logged */
  seq: number;
  /** number of the message; only for a message that has one */
  ordinal?: number;
  /** when it was stored; absent only where nothing was stored */
  time: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** the event as it was stored, exactly when the request alone does not say what it is: a key of the body that the server does not know was left out, an emoji was put into normal form (9.6), some of the users or settings did not change, a filter of the server changed the text, messages were forwarded (24.4.4) */
  event?: Event;
};

/** `edit`, from the client. */
export type EditRequest = {
  type: "edit";
  /** the room */
  room: string;
  /** 9.1 */
  key: string;
  /** `seq` of the message */
  target: number;
  /** the whole new content */
  body: Body;
};

/** The `ok` to `edit`. */
export type EditReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** the event as it was stored, exactly when the request alone does not say what it is: a key of the body that the server does not know was left out, an emoji was put into normal form (9.6), some of the users or settings did not change, a filter of the server changed the text, messages were forwarded (24.4.4) */
  event?: Event;
};

/** `recall`, from the client. */
export type RecallRequest = {
  type: "recall";
  /** the room */
  room: string;
  /** 9.1 */
  key: string;
  /** `seq` of the message */
  target: number;
};

/** The `ok` to `recall`. */
export type RecallReply = {
  /** the event that was stored; absent where nothing is logged */
  seq: number;
  /** when it was stored; absent only where nothing was stored */
  time: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
};

/** `react`, from the client. */
export type ReactRequest = {
  type: "react";
  /** the room */
  room: string;
  /** 9.1 */
  key: string;
  /** `seq` of the message */
  target: number;
  /** which reaction, see below; a user may set several different ones */
  emoji: string;
  /** `true` sets, `false` clears */
  set: boolean;
};

/** The `ok` to `react`. */
export type ReactReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** the event as it was stored, exactly when the request alone does not say what it is: a key of the body that the server does not know was left out, an emoji was put into normal form (9.6), some of the users or settings did not change, a filter of the server changed the text, messages were forwarded (24.4.4) */
  event?: Event;
};

/** `pin`, from the client. */
export type PinRequest = {
  type: "pin";
  /** the room */
  room: string;
  /** 9.1 */
  key: string;
  /** `seq` of the message */
  target: number;
  /** `true` pins, `false` unpins */
  set: boolean;
};

/** The `ok` to `pin`. */
export type PinReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
};

/** `forward`, from the client. */
export type ForwardRequest = {
  type: "forward";
  /** where to */
  room: string;
  /** 9.1 */
  key: string;
  /** the room of the messages */
  from: string;
  /** 1 to 100 messages, in the order in which they are to be stored */
  seqs: number[];
  /** their authors are named, where those let themselves be named (`credit` of `preferences`) */
  credit?: boolean;
};

/** The `ok` to `forward`. */
export type ForwardReply = {
  /** the event that was stored; absent where nothing is logged */
  seq: number;
  /** number of the message; only for a message that has one */
  ordinal: number;
  /** when it was stored; absent only where nothing was stored */
  time: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** the event as it was stored, exactly when the request alone does not say what it is: a key of the body that the server does not know was left out, an emoji was put into normal form (9.6), some of the users or settings did not change, a filter of the server changed the text, messages were forwarded (24.4.4) */
  event: Event;
  /** the messages that were stored */
  seqs: number[];
};

/** `read`, from the client. */
export type ReadRequest = {
  type: "read";
  /** the room */
  room: string;
  /** last `seq` that was read */
  seq: number;
};

/** The `ok` to `read`. */
export type ReadReply = {
  /** own read position as stored */
  read: number;
  /** unread messages */
  unread: number;
  /** unread mentions */
  unread_mentions: number;
  /** the last message these take in (4.2); C14 and C60 are older than this key */
  ordinal: number;
};

/** `delivered`, from the client. */
export type DeliveredRequest = {
  type: "delivered";
  /** at most 200 rooms */
  rooms: { room: string; seq: number }[];
};

/** The `ok` to `delivered`. */
export type DeliveredReply = {
};

/** `readers`, from the client. */
export type ReadersRequest = {
  type: "readers";
  /** the room */
  room: string;
  /** the message */
  seq: number;
  /** continue: `more` of the page before */
  more?: string;
  /** most users of a page; above `limits.page`: `too_large` */
  limit?: number;
  /** those who have not read it, without its author */
  unread?: boolean;
};

/** The `ok` to `readers`. */
export type ReadersReply = {
  /** how many members see `seq` and have a read position of at least `seq`; with `unread`: a lower one */
  count: number;
  /** these members */
  readers: { user: string; read: number }[];
  /** there is another page */
  more?: string;
};

/** `focus`, from the client. */
export type FocusRequest = {
  type: "focus";
  /** at most `focus` rooms (2.7), possibly none; more: `too_large`. A room the user is not in is passed over: the reply names those that are in force */
  rooms: string[];
};

/** The `ok` to `focus`. */
export type FocusReply = {
  /** the focused rooms, where they are now, and, as in 10.3, the positions of their members */
  rooms: { room: string; seq: number; receipts?: ReceiptEntry[] }[];
};

/** `typing`, from the client. */
export type TypingRequest = {
  type: "typing";
  /** where the user is typing */
  room: string;
  /** `text`, or `voice` while the user records a voice note (23.4) */
  what?: string;
};

/** The `ok` to `typing`. */
export type TypingReply = {
};

/** `watch`, from the client. */
export type WatchRequest = {
  type: "watch";
  /** at most `watch` users (2.7), possibly none; more: `too_large` */
  users: string[];
};

/** The `ok` to `watch`. */
export type WatchReply = {
  /** how they are now, as in 10.8 */
  users: { user: string; state?: string; last_seen?: number }[];
};

/** `room.create`, from the client. */
export type RoomCreateRequest = {
  type: "room.create";
  /** 9.1; belongs to the creator, since there is no room yet */
  key: string;
  /** a channel: 24.3 */
  kind: "group" | "channel";
  /** title */
  title: string;
  /** first members beside the creator, at most 100 */
  users?: string[];
  /** address of a picture */
  avatar?: string;
  /** anybody may join */
  public?: boolean;
  /** host data */
  data?: unknown;
  /** rules of the group (24.1.1) */
  policy?: Policy;
  /** what the group is about */
  about?: string;
  /** at most 5 words for it */
  tags?: string[];
};

/** The `ok` to `room.create`. */
export type RoomCreateReply = {
  /** 1, the `created` event; absent with `duplicate` */
  seq?: number;
  /** when; absent with `duplicate` */
  time?: number;
  /** 9.1 */
  duplicate?: boolean;
  /** the room as it is now */
  summary: RoomSummary;
  /** who was named in `users` and takes no more rooms from others (12.1), or does not let the creator add them (20.4), or has a closed account, or is not known: which, is not said; absent with `duplicate` */
  not_added?: string[];
  /** who was named in `users`, and is asked first (24.2.1); absent with `duplicate` */
  offered?: string[];
};

/** `room.direct`, from the client. */
export type RoomDirectRequest = {
  type: "room.direct";
  /** the other one; oneself: a room for one's notes (24.5) */
  user: string;
};

/** The `ok` to `room.direct`. */
export type RoomDirectReply = {
  /** the one direct room of these two, created if there was none */
  summary: RoomSummary;
};

/** `room.get`, from the client. */
export type RoomGetRequest = {
  type: "room.get";
  /** the room */
  room: string;
};

/** The `ok` to `room.get`. */
export type RoomGetReply = {
  /** the room as this member sees it */
  summary: RoomSummary;
};

/** `room.accept`, from the client. */
export type RoomAcceptRequest = {
  type: "room.accept";
  /** a direct room in which the other one asked, else `not_found` */
  room: string;
};

/** The `ok` to `room.accept`. */
export type RoomAcceptReply = {
};

/** `room.decline`, from the client. */
export type RoomDeclineRequest = {
  type: "room.decline";
  /** a direct room in which the other one asked and is not accepted, else `not_found` */
  room: string;
  /** block them, too (20.3) */
  block?: boolean;
};

/** The `ok` to `room.decline`. */
export type RoomDeclineReply = {
};

/** `privacy.set`, from the client. */
export type PrivacySetRequest = {
  type: "privacy.set";
  /** replaces the rules it names, and leaves the others */
  rules: { [name: string]: Audience };
};

/** The `ok` to `privacy.set`. */
export type PrivacySetReply = {
  /** as it is now; the push `account` (7.8) brings it to the other devices */
  privacy: Privacy;
};

/** `room.update`, from the client. */
export type RoomUpdateRequest = {
  type: "room.update";
  /** the group */
  room: string;
  /** 9.1 */
  key: string;
  /** new title */
  title?: string;
  /** new address of a picture */
  avatar?: string;
  /** open to join, or not */
  public?: boolean;
  /** new host data, replaces the old */
  data?: unknown;
  /** rules to change; those it does not name stay (24.1.1) */
  policy?: Policy;
  /** new description */
  about?: string;
  /** new tags, at most 5; they replace the old */
  tags?: string[];
  /** of a channel: the group of its comments; empty: none (24.3.4) */
  comments?: string;
};

/** The `ok` to `room.update`. */
export type RoomUpdateReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** the event as it was stored, exactly when the request alone does not say what it is: a key of the body that the server does not know was left out, an emoji was put into normal form (9.6), some of the users or settings did not change, a filter of the server changed the text, messages were forwarded (24.4.4) */
  event?: Event;
};

/** `room.delete`, from the client. */
export type RoomDeleteRequest = {
  type: "room.delete";
  /** the group */
  room: string;
  /** 9.1 */
  key: string;
};

/** The `ok` to `room.delete`. */
export type RoomDeleteReply = {
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
};

/** `room.join`, from the client. */
export type RoomJoinRequest = {
  type: "room.join";
  /** a group or channel that one may join, or ask to join */
  room: string;
  /** 9.1 */
  key: string;
  /** to the admins, if one decides; at most 200 characters */
  text?: string;
};

/** The `ok` to `room.join`. */
export type RoomJoinReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** beside the keys of 9.1: an admin decides (24.2), also where that is so since an earlier request */
  requested?: boolean;
};

/** `room.leave`, from the client. */
export type RoomLeaveRequest = {
  type: "room.leave";
  /** a group */
  room: string;
  /** 9.1 */
  key: string;
};

/** The `ok` to `room.leave`. */
export type RoomLeaveReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
};

/** `invites.create`, from the client. */
export type InvitesCreateRequest = {
  type: "invites.create";
  /** a group or channel */
  room: string;
  /** 9.1 */
  key: string;
  /** at most in 365 days; later is `too_large`, not later than now `bad_request` */
  expires_at?: number;
  /** 0: no bound */
  uses_max?: number;
  /** 24.2.3 */
  approve?: boolean;
  /** at most 64 characters */
  label?: string;
};

/** The `ok` to `invites.create`. */
export type InvitesCreateReply = {
  /** of the first time */
  time: number;
  /** made before, with the same key */
  duplicate?: boolean;
  /** as it is now */
  invite: Invite;
};

/** `invites.list`, from the client. */
export type InvitesListRequest = {
  type: "invites.list";
  /** a group or channel */
  room: string;
  /** of the page before */
  more?: string;
  /** rows of a page */
  limit?: number;
};

/** The `ok` to `invites.list`. */
export type InvitesListReply = {
  /** those that are neither revoked nor over, the newest first */
  invites: Invite[];
  /** there are more */
  more?: string;
};

/** `invites.revoke`, from the client. */
export type InvitesRevokeRequest = {
  type: "invites.revoke";
  /** a group or channel */
  room: string;
  /** 9.1 */
  key: string;
  /** this one */
  invite?: string;
  /** those of this maker; with neither all of the room */
  by?: string;
};

/** The `ok` to `invites.revoke`. */
export type InvitesRevokeReply = {
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
};

/** `invites.look`, from the client. */
export type InvitesLookRequest = {
  type: "invites.look";
  /** 22 characters */
  invite: string;
};

/** The `ok` to `invites.look`. */
export type InvitesLookReply = {
  /** the room */
  card: RoomCard;
};

/** `invites.use`, from the client. */
export type InvitesUseRequest = {
  type: "invites.use";
  /** 22 characters */
  invite: string;
  /** 9.1; of the room into which the invite leads */
  key: string;
  /** to the admins, if one decides; at most 200 characters */
  text?: string;
};

/** The `ok` to `invites.use`. */
export type InvitesUseReply = {
  /** of the `joined` event */
  seq?: number;
  /** when it took effect */
  time?: number;
  /** the user is in, or waits, or used this key before; nothing was used up */
  duplicate?: boolean;
  /** an admin decides */
  requested?: boolean;
  /** of the room, where the user is in it now */
  summary?: RoomSummary;
};

/** `joins.list`, from the client. */
export type JoinsListRequest = {
  type: "joins.list";
  /** a group or channel */
  room: string;
  /** of the page before */
  more?: string;
  /** rows of a page */
  limit?: number;
};

/** The `ok` to `joins.list`. */
export type JoinsListReply = {
  /** the requests that wait, the oldest first */
  joins: JoinRow[];
  /** there are more */
  more?: string;
};

/** `joins.decide`, from the client. */
export type JoinsDecideRequest = {
  type: "joins.decide";
  /** a group or channel */
  room: string;
  /** 9.1 */
  key: string;
  /** 1 to 100 users who asked */
  users: string[];
  /** whether they are let in */
  accept: boolean;
  /** with `accept` `false`: they cannot ask again (24.1.4) */
  ban?: boolean;
};

/** The `ok` to `joins.decide`. */
export type JoinsDecideReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** beside the keys of 9.1: who is in as many rooms, or follows as many channels, as they may, and goes on waiting */
  not_added?: string[];
};

/** `members.list`, from the client. */
export type MembersListRequest = {
  type: "members.list";
  /** the room */
  room: string;
  /** continue: `more` of the page before */
  more?: string;
  /** most members of a page; above `limits.page`: `too_large` */
  limit?: number;
  /** only users whose id begins like this */
  prefix?: string;
  /** only this role; `staff`: only admins and owners; `banned`: who is banned (24.1.4), for admins */
  role?: string;
};

/** The `ok` to `members.list`. */
export type MembersListReply = {
  /** members, in the order of their ids */
  members: { user: string; role: string; joined_at: number; nickname?: string; silenced_until?: number; banned_until?: number }[];
  /** there is another page */
  more?: string;
  /** all members of the room; of `banned`: all who are banned */
  count: number;
};

/** `members.add`, from the client. */
export type MembersAddRequest = {
  type: "members.add";
  /** a group */
  room: string;
  /** 9.1 */
  key: string;
  /** 1 to 100 users */
  users: string[];
};

/** The `ok` to `members.add`. */
export type MembersAddReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** the event as it was stored, exactly when the request alone does not say what it is: a key of the body that the server does not know was left out, an emoji was put into normal form (9.6), some of the users or settings did not change, a filter of the server changed the text, messages were forwarded (24.4.4) */
  event?: Event;
  /** beside the keys of 9.1: who takes no more rooms from others (12.1), or does not let the user add them (20.4), or has a closed account, or is not known, or is banned; absent when it is repeated */
  not_added?: string[];
  /** who is asked first (24.2.1); absent when it is repeated */
  offered?: string[];
  /** some of them wait for an admin (24.2.1) */
  requested?: boolean;
};

/** `members.remove`, from the client. */
export type MembersRemoveRequest = {
  type: "members.remove";
  /** a group */
  room: string;
  /** 9.1 */
  key: string;
  /** 1 to 100 users */
  users: string[];
  /** they cannot come back (24.1.4) */
  ban?: boolean;
  /** the end of the ban */
  until?: number;
  /** with what they wrote in the last 24 h (24.1.4) */
  recall?: boolean;
};

/** The `ok` to `members.remove`. */
export type MembersRemoveReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** the event as it was stored, exactly when the request alone does not say what it is: a key of the body that the server does not know was left out, an emoji was put into normal form (9.6), some of the users or settings did not change, a filter of the server changed the text, messages were forwarded (24.4.4) */
  event?: Event;
};

/** `members.role`, from the client. */
export type MembersRoleRequest = {
  type: "members.role";
  /** a group */
  room: string;
  /** 9.1 */
  key: string;
  /** 1 to 100 members and their new role: `member`, `admin`, `owner` */
  users: { user: string; role: string }[];
};

/** The `ok` to `members.role`. */
export type MembersRoleReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** the event as it was stored, exactly when the request alone does not say what it is: a key of the body that the server does not know was left out, an emoji was put into normal form (9.6), some of the users or settings did not change, a filter of the server changed the text, messages were forwarded (24.4.4) */
  event?: Event;
};

/** `members.get`, from the client. */
export type MembersGetRequest = {
  type: "members.get";
  /** the room */
  room: string;
  /** 1 to 100 users */
  users: string[];
};

/** The `ok` to `members.get`. */
export type MembersGetReply = {
  /** those of them who are members, in the order of their ids */
  members: { user: string; role: string; joined_at: number; nickname?: string; silenced_until?: number }[];
  /** all members of the room */
  count: number;
};

/** `members.unban`, from the client. */
export type MembersUnbanRequest = {
  type: "members.unban";
  /** a group */
  room: string;
  /** 9.1 */
  key: string;
  /** 1 to 100 users */
  users: string[];
};

/** The `ok` to `members.unban`. */
export type MembersUnbanReply = {
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
};

/** `members.silence`, from the client. */
export type MembersSilenceRequest = {
  type: "members.silence";
  /** a group */
  room: string;
  /** 9.1 */
  key: string;
  /** 1 to 100 users */
  users: string[];
  /** they may not write until then; 0 ends it, 1 is for ever */
  until: number;
};

/** The `ok` to `members.silence`. */
export type MembersSilenceReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** the event as it was stored, exactly when the request alone does not say what it is: a key of the body that the server does not know was left out, an emoji was put into normal form (9.6), some of the users or settings did not change, a filter of the server changed the text, messages were forwarded (24.4.4) */
  event?: Event;
};

/** `members.nickname`, from the client. */
export type MembersNicknameRequest = {
  type: "members.nickname";
  /** a group */
  room: string;
  /** 9.1 */
  key: string;
  /** the name of the user in this group; empty: none */
  nickname: string;
  /** another member, whose nickname an admin takes away */
  user?: string;
};

/** The `ok` to `members.nickname`. */
export type MembersNicknameReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** the event as it was stored, exactly when the request alone does not say what it is: a key of the body that the server does not know was left out, an emoji was put into normal form (9.6), some of the users or settings did not change, a filter of the server changed the text, messages were forwarded (24.4.4) */
  event?: Event;
};

/** `announce`, from the client. */
export type AnnounceRequest = {
  type: "announce";
  /** a group */
  room: string;
  /** 9.1 */
  key: string;
  /** `seq` of a message that the user sees; 0: no announcement */
  target: number;
};

/** The `ok` to `announce`. */
export type AnnounceReply = {
  /** the event that was stored; absent where nothing is logged */
  seq?: number;
  /** when it was stored; absent only where nothing was stored */
  time?: number;
  /** this had been done before; nothing was stored or pushed now */
  duplicate?: boolean;
  /** the event as it was stored, exactly when the request alone does not say what it is: a key of the body that the server does not know was left out, an emoji was put into normal form (9.6), some of the users or settings did not change, a filter of the server changed the text, messages were forwarded (24.4.4) */
  event?: Event;
};

/** `unread`, from the client. */
export type UnreadRequest = {
  type: "unread";
  /** the room; absent: the badge is asked for */
  room?: string;
  /** of the page before */
  more?: string;
  /** rows of a page */
  limit?: number;
};

/** The `ok` to `unread`. */
export type UnreadReply = {
  /** own read position */
  read?: number;
  /** the numbers */
  unread?: number;
  /** the numbers */
  unread_mentions?: number;
  /** the last message these take in (4.2) */
  ordinal?: number;
  /** the messages behind `unread`, in ascending order */
  seqs?: number[];
  /** those of `seqs` that mention the user */
  mentions?: number[];
  /** as `totals.badge` (5.5) */
  badge?: number;
  /** `counts` is 1 or more; `why`: `unread` messages, `mention`s alone, or a `mark` of the user */
  rooms?: { room: string; counts: number; why: string }[];
  /** there are others */
  more?: string;
};

/** `reads`, from the client. */
export type ReadsRequest = {
  type: "reads";
  /** 1 to 200 rows */
  rooms: { room: string; seq: number }[];
};

/** The `ok` to `reads`. */
export type ReadsReply = {
  /** the reply keys of `read`, for each room that the user is in */
  rooms: { room: string; read: number; unread: number; unread_mentions: number }[];
};

/** `verify`, from the client. */
export type VerifyRequest = {
  type: "verify";
  /** the number of rooms in the list, without message requests (20.5) */
  rooms: number;
  /** of those rooms */
  digest: number;
};

/** The `ok` to `verify`. */
export type VerifyReply = {
  /** whether both are those of the server */
  equal: boolean;
};

/** `draft`, from the client. */
export type DraftRequest = {
  type: "draft";
  /** where something is typed */
  room: string;
  /** of the message that it will be */
  key: string;
  /** what is typed, at most 2,048 bytes as MessagePack; absent, or with neither `text` nor `reply_to`: the draft is dropped */
  body?: { text?: string; reply_to?: number; mentions?: string[]; spans?: Span[] };
};

/** The `ok` to `draft`. */
export type DraftReply = {
  /** of the row; absent: there was nothing to change */
  stamp?: number;
};

/** `schedule`, from the client. */
export type ScheduleRequest = {
  type: "schedule";
  /** where to */
  room: string;
  /** of the message */
  key: string;
  /** when to send it, at most 365 days from now; a time that is past: at once */
  at?: number;
  /** the message; absent: it is cancelled */
  body?: Body;
};

/** The `ok` to `schedule`. */
export type ScheduleReply = {
  /** of the row; absent: there was nothing to change */
  stamp?: number;
};

/** `delete`, from the client. */
export type DeleteRequest = {
  type: "delete";
  /** the room */
  room: string;
  /** 1 to 64 pairs of the first and the last message, none above the own read position */
  ranges: ([number, number])[];
};

/** The `ok` to `delete`. */
export type DeleteReply = {
};

/** `clear`, from the client. */
export type ClearRequest = {
  type: "clear";
  /** the room */
  room: string;
  /** the last one; above the head: all */
  seq: number;
};

/** The `ok` to `clear`. */
export type ClearReply = {
};

/** `preferences`, from the client. */
export type PreferencesRequest = {
  type: "preferences";
  /** the room; absent: the account */
  room?: string;
  /** until then no message alerts but one that names the user (22.3); 0 = not muted, 1 = for ever */
  muted_until?: number;
  /** pinned to the top of the list */
  pinned?: boolean;
  /** out of the list and of all totals, until its next message that is not silent, or until it is shown again */
  hidden?: boolean;
  /** the picture behind the messages: a name the app knows, a URL, or a key of the host app; empty: none */
  wallpaper?: string;
  /** which messages of the room the user is told of (22.2) */
  notify?: "all" | "mentions" | "none" | "default";
  /** marked as unread, until the next `read` (24.5) */
  unread_mark?: boolean;
  /** the folder it is in, 0 to 20 (24.5): 0 none, 1 the archive */
  folder?: number;
  /** `false`: receipts off (10.3), `true`: on (as it is at first) */
  receipts?: boolean;
  /** `false`: presence and `last_seen` hidden, and nobody's seen (10.9), `true`: shown (as it is at first) */
  presence?: boolean;
  /** what the user is told on their devices (22.2) */
  push?: PushPreferences;
  /** all folders of the list in their order, at most 20, with `id` 2 to 20, none twice (24.5) */
  folders?: { id: number; name: string }[];
  /** `false`: nobody's copy of a message names the user (24.4.4), `true`: it may (as it is at first) */
  credit?: boolean;
};

/** The `ok` to `preferences`. */
export type PreferencesReply = {
};

/** `users.get`, from the client. */
export type UsersGetRequest = {
  type: "users.get";
  /** 1 to 100 users, with `page` at most 20 */
  users?: string[];
  /** as many numbers as `users`: the version one has of each; whose card is still that is left out */
  versions?: number[];
  /** friends, and users with whom a request is pending, whose cards changed after this stamp */
  since?: number;
  /** the next page of a round of `since` */
  more?: string;
  /** with `users`: with their pages (20.6.2), as far as they may be seen, and `common` */
  page?: boolean;
  /** with `users` of oneself alone: the card as a stranger sees it, a friend, or a friend in this circle */
  as?: "stranger" | "friend" | number;
};

/** The `ok` to `users.get`. */
export type UsersGetReply = {
  /** what the server knows to display of them (20.6.1); absent keys: empty text, 0 */
  users: Profile[];
  /** not all fitted a frame: of a round of `since` the next page is asked for with this; of `users` it is the last that fitted, and those behind are asked for again */
  more?: string;
  /** on the last page of a round of `since`: where the next one begins */
  stamp?: number;
};

/** `users.find`, from the client. */
export type UsersFindRequest = {
  type: "users.find";
  /** the whole handle; capitals do not matter */
  handle: string;
};

/** The `ok` to `users.find`. */
export type UsersFindReply = {
  /** the plate of its user; empty when there is nobody, or nobody who lets themself be found by the asker */
  users: Profile[];
};

/** `profile.set`, from the client. */
export type ProfileSetRequest = {
  type: "profile.set";
  /** the name */
  name?: string;
  /** the picture */
  avatar?: string;
  /** the handle; capitals become small letters */
  handle?: string;
  /** as in Page */
  cover?: string;
  /** as in Page, as a whole */
  theme?: { name?: string; colors?: string[] };
  /** as in Page */
  bio?: string;
  /** as in Page, as a whole */
  fields?: { name: string; value: string; to?: string }[];
  /** as in Page, as a whole */
  data?: unknown;
};

/** The `ok` to `profile.set`. */
export type ProfileSetReply = {
  /** the own card, with its page */
  profile: Profile;
};

/** `devices.push`, from the client. */
export type DevicesPushRequest = {
  type: "devices.push";
  /** whose push service; one of those that `hello` named (22.1.2) */
  platform: "apns" | "fcm" | "web" | "gateway";
  /** the token; of `web` the endpoint of the subscription, an `https` URL; empty: none any more, for this `purpose` */
  token: string;
  /** which app of the operator's; may be left out where they have one of this platform */
  app?: string;
  /** `voip`: a PushKit token of APNs, to which nothing but calls is sent */
  purpose?: "alert" | "voip";
  /** of APNs */
  environment?: "production" | "sandbox";
  /** the public key of this device, a point of P-256 as 65 bytes in base64url without padding */
  p256dh?: string;
  /** its secret of 16 bytes, in the same form */
  auth?: string;
};

/** The `ok` to `devices.push`. */
export type DevicesPushReply = {
};

/** `devices.list`, from the client. */
export type DevicesListRequest = {
  type: "devices.list";
};

/** The `ok` to `devices.list`. */
export type DevicesListReply = {
  /** the user's own devices: each that was connected, and not removed since; of more than 50 those seen last */
  devices: { device: string; app?: string; os?: string; last_seen: number }[];
};

/** `devices.remove`, from the client. */
export type DevicesRemoveRequest = {
  type: "devices.remove";
  /** one of the user's own devices; any other: `not_found`. Its tokens are revoked, and those of the user that are bound to no device (6.4) */
  device: string;
};

/** The `ok` to `devices.remove`. */
export type DevicesRemoveReply = {
};

/** `friend.request`, from the client. */
export type FriendRequestRequest = {
  type: "friend.request";
  /** the other */
  user: string;
  /** a text for them */
  note?: string;
  /** how they met: `search`, `card`, `group:ROOM` or a word of the app. A room is kept only if both are in it */
  via?: string;
  /** see 20.2.2 */
  seen?: number;
};

/** The `ok` to `friend.request`. */
export type FriendRequestReply = {
  /** the contact as it is now */
  contact: Contact;
  /** it was so already */
  duplicate?: boolean;
};

/** `friend.accept`, from the client. */
export type FriendAcceptRequest = {
  type: "friend.accept";
  /** the other */
  user: string;
  /** the `stamp` of the contact the user acted on; 0: they had none */
  seen?: number;
};

/** The `ok` to `friend.accept`. */
export type FriendAcceptReply = {
  /** the contact as it is now */
  contact: Contact;
  /** it was so already */
  duplicate?: boolean;
};

/** `friend.decline`, from the client. */
export type FriendDeclineRequest = {
  type: "friend.decline";
  /** the other */
  user: string;
  /** the `stamp` of the contact the user acted on; 0: they had none */
  seen?: number;
};

/** The `ok` to `friend.decline`. */
export type FriendDeclineReply = {
  /** the contact as it is now */
  contact: Contact;
  /** it was so already */
  duplicate?: boolean;
};

/** `friend.cancel`, from the client. */
export type FriendCancelRequest = {
  type: "friend.cancel";
  /** the other */
  user: string;
  /** the `stamp` of the contact the user acted on; 0: they had none */
  seen?: number;
};

/** The `ok` to `friend.cancel`. */
export type FriendCancelReply = {
  /** the contact as it is now */
  contact: Contact;
  /** it was so already */
  duplicate?: boolean;
};

/** `friend.remove`, from the client. */
export type FriendRemoveRequest = {
  type: "friend.remove";
  /** the other */
  user: string;
  /** the `stamp` of the contact the user acted on; 0: they had none */
  seen?: number;
};

/** The `ok` to `friend.remove`. */
export type FriendRemoveReply = {
  /** the contact as it is now */
  contact: Contact;
  /** it was so already */
  duplicate?: boolean;
};

/** `contact.set`, from the client. */
export type ContactSetRequest = {
  type: "contact.set";
  /** the other, friend or not */
  user: string;
  /** the own name for them; empty: none */
  remark?: string;
  /** all circles they are in from now on, at most 50; friends only */
  circles?: number[];
  /** whether the user follows them */
  following?: boolean;
  /** whether the user blocks them */
  blocked?: boolean;
  /** see 20.2.2 */
  seen?: number;
};

/** The `ok` to `contact.set`. */
export type ContactSetReply = {
  /** the contact as it is now */
  contact: Contact;
  /** it was so already */
  duplicate?: boolean;
};

/** `circle.set`, from the client. */
export type CircleSetRequest = {
  type: "circle.set";
  /** the circle to rename; absent: a new one */
  number?: number;
  /** at least one character */
  name: string;
};

/** The `ok` to `circle.set`. */
export type CircleSetReply = {
  /** the circle as it is now */
  circle: Circle;
  /** it was so already */
  duplicate?: boolean;
};

/** `circle.delete`, from the client. */
export type CircleDeleteRequest = {
  type: "circle.delete";
  /** the circle */
  number: number;
};

/** The `ok` to `circle.delete`. */
export type CircleDeleteReply = {
};

/** `report`, from the client. */
export type ReportRequest = {
  type: "report";
  /** a random key, the same when the request is repeated */
  key: string;
  /** why */
  reason: "spam" | "abuse" | "sexual" | "violence" | "fraud" | "self_harm" | "other";
  /** the room, or that of the message */
  room?: string;
  /** the message; with `room` */
  seq?: number;
  /** the user; in place of `room` */
  user?: string;
  /** what the user says about it */
  text?: string;
};

/** The `ok` to `report`. */
export type ReportReply = {
  /** the name of the report: one to refer to when writing to the host's support */
  report: string;
  /** it was filed before: with this `key`, or about the same and still waiting for a moderator */
  duplicate?: boolean;
};

/** `bots.get`, from the client. */
export type BotsGetRequest = {
  type: "bots.get";
  /** a bot or an official account, else `not_found` */
  bot: string;
};

/** The `ok` to `bots.get`. */
export type BotsGetReply = {
  /** at most 100; a name is of `a-z 0-9 _` */
  commands?: { name: string; description: string }[];
  /** it greets whoever opens a direct room with it */
  welcome?: boolean;
};

/** `file.link`, from the client. */
export type FileLinkRequest = {
  type: "file.link";
  /** 1 to 50 files in messages; `size` `m` or `s`; `seq` 0 for a live note (23.5) */
  places: { room: string; seq: number; file: string; size?: string }[];
};

/** The `ok` to `file.link`. */
export type FileLinkReply = {
  /** one for each place, in their order; places that the user does not see are left out */
  links: { room: string; seq: number; file: string; size?: string; url: string; expires_at: number }[];
};

/** `file.list`, from the client. */
export type FileListRequest = {
  type: "file.list";
  /** as in the page before */
  more?: string;
  /** at most as many, 1 to 200 */
  limit?: number;
};

/** The `ok` to `file.list`. */
export type FileListReply = {
  /** the user's own files, the newest first; `size`: the bytes that it counts; `attached`: a message, a card or a room holds it */
  files: { file: string; kind: string; name?: string; size: number; created_at: number; attached?: boolean }[];
  /** bytes that the user keeps, with what is being uploaded */
  used: number;
  /** bytes that they may keep, 0 for any number */
  quota: number;
  /** there are older ones: ask with it */
  more?: string;
};

/** `sticker.list`, from the client. */
export type StickerListRequest = {
  type: "sticker.list";
  /** as in the page before */
  more?: string;
  /** at most as many, 1 to 200 */
  limit?: number;
};

/** The `ok` to `sticker.list`. */
export type StickerListReply = {
  /** the stickers that the host app offers to everybody, in order of their names */
  stickers: { name: string; file: string }[];
  /** there are others: ask with it */
  more?: string;
};

/** `played`, from the client. */
export type PlayedRequest = {
  type: "played";
  /** the room */
  room: string;
  /** the message with the note */
  seq: number;
};

/** The `ok` to `played`. */
export type PlayedReply = {
};

/** `push.test`, from the client. */
export type PushTestRequest = {
  type: "push.test";
};

/** The `ok` to `push.test`. */
export type PushTestReply = {
  /** as below; `sent` when the push service took it */
  outcome: string;
  /** the word of the push service */
  detail?: string;
};

/** `search`, from the client. */
export type SearchRequest = {
  type: "search";
  /** where to look */
  room?: string;
  /** words, up to 16 */
  text?: string;
  /** who wrote it */
  from?: string;
  /** at most 4: what it has besides, all of these: `image`, `video`, `voice`, `file`, `link` (a URL in the text, or a card of one), `mention` (of the asker, or of everybody), `card:TYPE` (24.4) */
  has?: string[];
  /** the time of the message, both inclusive */
  since?: number;
  /** the time of the message, both inclusive */
  until?: number;
  /** as in the page before */
  more?: string;
  /** at most as many hits, 1 to 50 */
  limit?: number;
};

/** The `ok` to `search`. */
export type SearchReply = {
  /** with `room`: its messages, the newest first. Without: a row a room, the latest message of a room first, with the newest hit there and how many there are; 10 is ten or more */
  hits: { event: Event; room?: string; count?: number }[];
  /** not all was looked at: ask with it. A page may have fewer hits than `limit`, or none, and `more` */
  more?: string;
  /** so many events of these rooms were not searched, because the index has not seen them and newer ones stand behind them; ask again in a moment */
  behind?: number;
};

/** `rooms.find`, from the client. */
export type RoomsFindRequest = {
  type: "rooms.find";
  /** what the title holds */
  text?: string;
  /** one of the tags, whole */
  tag?: string;
  /** as in the page before */
  more?: string;
  /** at most as many rooms, 1 to 50 */
  limit?: number;
};

/** The `ok` to `rooms.find`. */
export type RoomsFindReply = {
  /** those with the most members first, each with its `room` */
  rooms: RoomCard[];
  /** there may be further rooms: ask with it */
  more?: string;
};

/** `push.decisions`, from the client. */
export type PushDecisionsRequest = {
  type: "push.decisions";
  /** about this room only */
  room?: string;
  /** about this message of `room` only */
  seq?: number;
  /** at most as many, 1 to 50 */
  limit?: number;
};

/** The `ok` to `push.decisions`. */
export type PushDecisionsReply = {
  /** about the user's own devices, the newest first */
  decisions: { time: number; kind: string; outcome: string; device?: string; room?: string; seq?: number; detail?: string }[];
};

/** `event`, from the server. */
export type EventPush = {
  type: "event";
  /** the room */
  room: string;
  /** contiguous and ascending */
  events: Event[];
};

/** `head`, from the server. */
export type HeadPush = {
  type: "head";
  /** these rooms moved and are now here; content on request. The first three keys are always present; `preview`: of a channel (24.3.3) */
  rooms: { room: string; seq: number; ordinal: number; preview?: Event }[];
};

/** `room`, from the server. */
export type RoomPush = {
  type: "room";
  /** the room as it is now */
  summary: RoomSummary;
};

/** `gone`, from the server. */
export type GonePush = {
  type: "gone";
  /** the user is no longer in it */
  room: string;
  /** why */
  reason?: "left" | "removed" | "banned" | "deleted";
};

/** `position`, from the server. */
export type PositionPush = {
  type: "position";
  /** the room */
  room: string;
  /** own read position */
  read: number;
  /** unread messages */
  unread: number;
  /** unread mentions */
  unread_mentions: number;
  /** the last message these take in (4.2); C14 and C60 are older than this key */
  ordinal: number;
};

/** `account`, from the server. */
export type AccountPush = {
  type: "account";
  /** account rows that changed (5.6), by section */
  sections?: { [name: string]: AccountRow[] };
  /** more changed than is told here: `sync` with the stored cursor brings it */
  more?: boolean;
};

/** `receipts`, from the server. */
export type ReceiptsPush = {
  type: "receipts";
  /** the room */
  room: string;
  /** positions of other members that moved; an absent one never did. `first_visible`: from where on the member sees the room, absent: 1 */
  receipts: { user: string; read?: number; delivered?: number; first_visible?: number }[];
};

/** `typing`, from the server. */
export type TypingPush = {
  type: "typing";
  /** the room */
  room: string;
  /** who is typing */
  user: string;
  /** as above; another word is shown as `text` */
  what?: string;
};

/** `voice`, from the server. */
export type VoicePush = {
  type: "voice";
  /** the room */
  room: string;
  /** who speaks */
  user: string;
  /** the note */
  file: string;
  /** `live`, `done`, `cut` or `cancelled`; another word ends it */
  state: string;
};

/** `presence`, from the server. */
export type PresencePush = {
  type: "presence";
  /** watched users whose state changed */
  users: { user: string; state?: string; last_seen?: number }[];
};

/** `profiles`, from the server. */
export type ProfilesPush = {
  type: "profiles";
  /** watched users (10.7) whose cards changed, with the new versions */
  users: { user: string; version: number }[];
};

/** `token_expiring`, from the server. */
export type TokenExpiringPush = {
  type: "token_expiring";
  /** seconds the token remains valid */
  token_ttl: number;
};

/** `ping`, from the server. */
export type PingPush = {
  type: "ping";
  /** newer cursor (6.3) */
  cursor?: string;
};

/** `bye`, from the server. */
export type ByePush = {
  type: "bye";
  /** reason word (chapter 15) */
  reason: string;
  /** close code (chapter 15) */
  close: number;
  /** milliseconds to wait at least before connecting again */
  retry_after?: number;
  /** URL to connect to from now on */
  to?: string;
  /** newer cursor (6.3) */
  cursor?: string;
};

export type ReactionCount = NonNullable<Event["reactions"]>[number];

export type ReceiptEntry = NonNullable<ReceiptsPush["receipts"]>[number];

export type PresenceEntry = NonNullable<PresencePush["users"]>[number];

export type RoomHead = NonNullable<FocusReply["rooms"]>[number];

export type MemberEntry = NonNullable<MembersListReply["members"]>[number];

export type ReaderEntry = NonNullable<ReadersReply["readers"]>[number];

export type DeviceEntry = NonNullable<DevicesListReply["devices"]>[number];

export type PushDecision = NonNullable<PushDecisionsReply["decisions"]>[number];

export type Request =
  | HelloRequest
  | SyncRequest
  | AuthRequest
  | ModeRequest
  | PingRequest
  | PongRequest
  | LogRequest
  | HistoryRequest
  | ChangesRequest
  | MessagesRequest
  | CommentsRequest
  | SendRequest
  | EditRequest
  | RecallRequest
  | ReactRequest
  | PinRequest
  | ForwardRequest
  | ReadRequest
  | DeliveredRequest
  | ReadersRequest
  | FocusRequest
  | TypingRequest
  | WatchRequest
  | RoomCreateRequest
  | RoomDirectRequest
  | RoomGetRequest
  | RoomAcceptRequest
  | RoomDeclineRequest
  | PrivacySetRequest
  | RoomUpdateRequest
  | RoomDeleteRequest
  | RoomJoinRequest
  | RoomLeaveRequest
  | InvitesCreateRequest
  | InvitesListRequest
  | InvitesRevokeRequest
  | InvitesLookRequest
  | InvitesUseRequest
  | JoinsListRequest
  | JoinsDecideRequest
  | MembersListRequest
  | MembersAddRequest
  | MembersRemoveRequest
  | MembersRoleRequest
  | MembersGetRequest
  | MembersUnbanRequest
  | MembersSilenceRequest
  | MembersNicknameRequest
  | AnnounceRequest
  | UnreadRequest
  | ReadsRequest
  | VerifyRequest
  | DraftRequest
  | ScheduleRequest
  | DeleteRequest
  | ClearRequest
  | PreferencesRequest
  | UsersGetRequest
  | UsersFindRequest
  | ProfileSetRequest
  | DevicesPushRequest
  | DevicesListRequest
  | DevicesRemoveRequest
  | FriendRequestRequest
  | FriendAcceptRequest
  | FriendDeclineRequest
  | FriendCancelRequest
  | FriendRemoveRequest
  | ContactSetRequest
  | CircleSetRequest
  | CircleDeleteRequest
  | ReportRequest
  | BotsGetRequest
  | FileLinkRequest
  | FileListRequest
  | StickerListRequest
  | PlayedRequest
  | PushTestRequest
  | SearchRequest
  | RoomsFindRequest
  | PushDecisionsRequest;

export type Push =
  | EventPush
  | HeadPush
  | RoomPush
  | GonePush
  | PositionPush
  | AccountPush
  | ReceiptsPush
  | TypingPush
  | VoicePush
  | PresencePush
  | ProfilesPush
  | TokenExpiringPush
  | PingPush
  | ByePush;

/** The error codes (protocol.md, "Error codes"). */
export type ErrorCode =
  | "bad_request"
  | "unknown_type"
  | "not_supported"
  | "token_expired"
  | "token_invalid"
  | "auth_mismatch"
  | "forbidden"
  | "not_member"
  | "not_found"
  | "gone"
  | "too_large"
  | "room_full"
  | "quota"
  | "not_ready"
  | "edit_window"
  | "muted"
  | "refused"
  | "rejected"
  | "blocked"
  | "request_pending"
  | "conflict"
  | "aborted"
  | "rate_limited"
  | "overloaded"
  | "timeout"
  | "internal"
  | "bad_cursor";

/** The reply to each request. */
export type Replies = {
  "hello": HelloReply;
  "sync": SyncReply;
  "auth": AuthReply;
  "mode": ModeReply;
  "ping": PingReply;
  "pong": PongReply;
  "log": LogReply;
  "history": HistoryReply;
  "changes": ChangesReply;
  "messages": MessagesReply;
  "comments": CommentsReply;
  "send": SendReply;
  "edit": EditReply;
  "recall": RecallReply;
  "react": ReactReply;
  "pin": PinReply;
  "forward": ForwardReply;
  "read": ReadReply;
  "delivered": DeliveredReply;
  "readers": ReadersReply;
  "focus": FocusReply;
  "typing": TypingReply;
  "watch": WatchReply;
  "room.create": RoomCreateReply;
  "room.direct": RoomDirectReply;
  "room.get": RoomGetReply;
  "room.accept": RoomAcceptReply;
  "room.decline": RoomDeclineReply;
  "privacy.set": PrivacySetReply;
  "room.update": RoomUpdateReply;
  "room.delete": RoomDeleteReply;
  "room.join": RoomJoinReply;
  "room.leave": RoomLeaveReply;
  "invites.create": InvitesCreateReply;
  "invites.list": InvitesListReply;
  "invites.revoke": InvitesRevokeReply;
  "invites.look": InvitesLookReply;
  "invites.use": InvitesUseReply;
  "joins.list": JoinsListReply;
  "joins.decide": JoinsDecideReply;
  "members.list": MembersListReply;
  "members.add": MembersAddReply;
  "members.remove": MembersRemoveReply;
  "members.role": MembersRoleReply;
  "members.get": MembersGetReply;
  "members.unban": MembersUnbanReply;
  "members.silence": MembersSilenceReply;
  "members.nickname": MembersNicknameReply;
  "announce": AnnounceReply;
  "unread": UnreadReply;
  "reads": ReadsReply;
  "verify": VerifyReply;
  "draft": DraftReply;
  "schedule": ScheduleReply;
  "delete": DeleteReply;
  "clear": ClearReply;
  "preferences": PreferencesReply;
  "users.get": UsersGetReply;
  "users.find": UsersFindReply;
  "profile.set": ProfileSetReply;
  "devices.push": DevicesPushReply;
  "devices.list": DevicesListReply;
  "devices.remove": DevicesRemoveReply;
  "friend.request": FriendRequestReply;
  "friend.accept": FriendAcceptReply;
  "friend.decline": FriendDeclineReply;
  "friend.cancel": FriendCancelReply;
  "friend.remove": FriendRemoveReply;
  "contact.set": ContactSetReply;
  "circle.set": CircleSetReply;
  "circle.delete": CircleDeleteReply;
  "report": ReportReply;
  "bots.get": BotsGetReply;
  "file.link": FileLinkReply;
  "file.list": FileListReply;
  "sticker.list": StickerListReply;
  "played": PlayedReply;
  "push.test": PushTestReply;
  "search": SearchReply;
  "rooms.find": RoomsFindReply;
  "push.decisions": PushDecisionsReply;
};
