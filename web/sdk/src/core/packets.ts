/** The packets of the protocol, by the chapters of protocol.md. */



export type Packet = { [key: string]: any };

export interface Body {
  text?: string;
  attachments?: Attachment[];
  reply_to?: number;
  thread?: number;
  mentions?: string[];
  data?: unknown;
}

export interface Attachment {
  url: string;
  mime: string;
  name?: string;
  size?: number;
  width?: number;
  height?: number;
  duration?: number;
  preview?: string;
}

export interface ReactionCount {
  emoji: string;
  count: number;
}

export interface RoleEntry {
  user: string;
  role: string;
}

export interface Event {
  seq: number;
  kind: string;
  user?: string;
  time?: number;
  ordinal?: number;
  key?: string;
  composed_at?: number;
  target?: number;
  body?: Body;
  changed?: number;
  edited?: number;
  recalled?: boolean;
  pinned?: boolean;
  reactions?: ReactionCount[];
  mine?: string[];
  emoji?: string;
  set?: boolean;
  users?: Array<string | RoleEntry>;
  title?: string;
  avatar?: string;
  public?: boolean;
  data?: unknown;
  fallback?: string;
}

export interface RoomSummary {
  room: string;
  seq: number;
  ordinal?: number;
  time?: number;
  read?: number;
  unread?: number;
  unread_mentions?: number;
  title?: string;
  avatar?: string;
  data?: unknown;
  public?: boolean;
  peer?: string;
  peer_read?: number;
  peer_delivered?: number;
  members?: number;
  role?: string;
  muted_until?: number;
  pinned?: boolean;
  hidden?: boolean;
  first_visible?: number;
  log_floor?: number;
  preview?: Event;
  events?: Event[];
}

export interface AccountRow {
  name: string;
  stamp: number;
  value?: unknown;
}

export interface SyncPage {
  rooms: RoomSummary[];
  cursor?: string;
  gone?: string[];
  more?: string;
  full?: boolean;
  totals?: Record<string, number>;
  sections?: Record<string, AccountRow[]>;
  full_sections?: string[];
}

export interface ReceiptEntry {
  user: string;
  read?: number;
  delivered?: number;
  first_visible?: number;
}

export interface PresenceEntry {
  user: string;
  state?: string;
  last_seen?: number;
}

export interface RoomHead {
  room: string;
  seq: number;
  ordinal?: number;
  receipts?: ReceiptEntry[];
}

export interface MemberEntry {
  user: string;
  role?: string;
  joined_at?: number;
}

export interface ReaderEntry {
  user: string;
  read: number;
}

export interface UserEntry {
  user: string;
  name?: string;
  avatar?: string;
  version?: number;
}

export interface DeviceEntry {
  device: string;
  app?: string;
  os?: string;
  last_seen: number;
}

export interface ErrorReply {
  code: string;
  retry?: string;
  retry_after?: number;
  scope?: string;
  field?: string;
  message?: string;
}

export interface HelloReply {
  user: string;
  epoch: string;
  sync: SyncPage;
  heartbeat?: number;
  token_ttl?: number;
  limits?: Record<string, number>;
}

export interface AuthReply {
  token_ttl?: number;
}

export interface ModeReply {
  heartbeat?: number;
}

export interface Ack {
  seq?: number;
  ordinal?: number;
  time?: number;
  duplicate?: boolean;
  event?: Event;
  summary?: RoomSummary;
}

export interface SummaryReply {
  summary: RoomSummary;
}

export interface LogReply {
  events: Event[];
  seq: number;
  next?: number;
  reset?: boolean;
  log_floor?: number;
  first_visible?: number;
  ordinal?: number;
}

export interface HistoryReply {
  events: Event[];
  low: number;
  high: number;
  seq: number;
  end?: boolean;
}

export interface ChangesReply {
  events: Event[];
  seq: number;
  next?: number;
}

export interface MessagesReply {
  events: Event[];
}

export interface PositionReply {
  read: number;
  unread: number;
  unread_mentions: number;
  ordinal?: number;
}

export interface ReadersReply {
  count: number;
  readers: ReaderEntry[];
  more?: string;
}

export interface FocusReply {
  rooms: RoomHead[];
}

export interface WatchReply {
  users: PresenceEntry[];
}

export interface MembersReply {
  members: MemberEntry[];
  count: number;
  more?: string;
}

export interface UsersReply {
  users: UserEntry[];
}

export interface DevicesReply {
  devices: DeviceEntry[];
}

export interface EventPush {
  room: string;
  events: Event[];
}

export interface HeadPush {
  rooms: RoomHead[];
}

export interface RoomPush {
  summary: RoomSummary;
}

export interface GonePush {
  room: string;
  reason?: string;
}

export interface PositionPush extends PositionReply {
  room: string;
}

export interface ReceiptsPush {
  room: string;
  receipts: ReceiptEntry[];
}

export interface TypingPush {
  room: string;
  user: string;
}

export interface PresencePush {
  users: PresenceEntry[];
}

export interface AccountPush {
  sections?: Record<string, AccountRow[]>;
  more?: boolean;
}

export interface CursorPush {
  cursor?: string;
}

export interface ByePush extends CursorPush {
  close?: number;
  reason?: string;
  retry_after?: number;
  to?: string;
}
