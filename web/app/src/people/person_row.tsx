/** A person as a row of a list: face, name, and whether they are online. */
import type { ComponentChildren } from "preact";
import { presenceText } from "../rooms/names.js";
import { Avatar } from "../shell/avatar.js";
import { Kind } from "../shell/kind.js";
import { follow, hrefOf, route } from "../shell/router.js";
import { presenceOf } from "../shell/state.js";
import type { User } from "../shell/users.js";

/** `children` stand beside the name. Of somebody whose presence is not shown there is another name of theirs. */
export function PersonRow({ user, children }: { user: User; children?: ComponentChildren }) {
  const current = route.value.name === "person" && route.value.user === user.id;
  const presence = presenceOf(user.id).value;
  const other = user.name === user.realName ? (user.handle ? `@${user.handle}` : user.id) : user.realName;
  return (
    <a
      class="chat-row"
      href={hrefOf({ name: "person", user: user.id })}
      onClick={follow}
      aria-current={current ? "page" : undefined}
    >
      <Avatar {...user} picture={user.avatar} online={presence.state === "online"} />
      <span class="chat-row-head">
        <span class="line name">
          <bdi>{user.name}</bdi>
        </span>
        <Kind kind={user.kind} />
        {children}
      </span>
      <span class="chat-row-foot">
        <span class={presence.state === "online" ? "line online" : "line"}>
          <bdi>{presenceText(presence) || other}</bdi>
        </span>
      </span>
    </a>
  );
}
