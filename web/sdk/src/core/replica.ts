/** The positions up to which one member has read and received the room, which they see from `first_visible` on. */
export interface MemberReceipt {
  readonly read: number;
  readonly delivered: number;
  readonly first_visible: number;
}
export type Replica = any;
