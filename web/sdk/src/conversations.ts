/** `@chatd/client/conversations`: governed groups, the ways into them, sharing, drafts on all devices, the inbox (protocol.md,
 * "Conversations"). Functions that take the `Client` of `@chatd/client/people`, whose `features` say what the server has.
 *
 * ```ts
 * await govern(room, { policy: { post: "admin" } });
 * const invite = await createInvite(room, { uses_max: 20 });
 * const card = await lookAt(client, inviteIn(address)!);
 * await useInvite(client, invite.invite, { text: "Ann sent me" });
 * ```
 */

export * from "./conversations/comments.js";
export * from "./conversations/drafts.js";
export * from "./conversations/groups.js";
export * from "./conversations/inbox.js";
export * from "./conversations/joining.js";
export * from "./conversations/rules.js";
export * from "./conversations/sharing.js";
export type * from "./conversations/types.js";
export { isDeleted, isRetained } from "./core/own_view.js";
export { newKey } from "./keys.js";
