/** The face of a home card: cover, picture, name, badge, handle and what they say of themselves, in their own colours. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { t } from "../locale/locale.js";
import { applyAccent } from "../shell/accent.js";
import { Avatar, colourOf } from "../shell/avatar.js";
import { Card } from "../shell/controls.js";
import { Icon } from "../shell/icons.js";
import { Kind } from "../shell/kind.js";
import { allowedPicture } from "../shell/pictures.js";
import type { User } from "../shell/users.js";
import { coloursOf } from "./themes.js";
import type { CardField, Page, Theme } from "./types.js";

/** Draw everything inside the element in the colours of a theme, the first of them moved until it can be read. */
export function useTheme(theme: Theme | undefined) {
  const root = useRef<HTMLDivElement>(null);
  const [first] = coloursOf(theme);
  useLayoutEffect(() => {
    const { style } = root.current!;
    for (const name of [...style]) if (name.startsWith("--chatd-")) style.removeProperty(name);
    applyAccent(root.current!, first);
  }, [first]);
  return root;
}

interface FaceProps {
  user: User;
  page?: Page | undefined;
  online?: boolean;
  /** The level of the heading: 1 where the card is the page. */
  level?: "h1" | "h2";
  /** What stands below the name. */
  children?: ComponentChildren;
}

export function Face({ user, page, online = false, level: Heading = "h2", children }: FaceProps) {
  return (
    <section class="home" aria-label={user.name}>
      <Cover id={user.id} page={page} />
      <Avatar {...user} picture={user.avatar} size="card" online={online} />
      <Heading class="home-name">
        <bdi>{user.name}</bdi>
        <Verified user={user} />
        <Kind kind={user.kind} />
      </Heading>
      {children}
      {page?.bio && (
        <p class="home-bio" dir="auto">
          {page.bio}
        </p>
      )}
    </section>
  );
}

/** The badge of a user of whom the host says what they are. */
export function Verified({ user }: { user: User }) {
  if (!user.verified) return null;
  return (
    <span class="verified" role="img" aria-label={t("card.verified", { what: user.verified })} title={user.verified}>
      <Icon name="badge" />
    </span>
  );
}

/** Below the name: the name they gave themselves where a remark stands in its place, and the handle. */
export function Names({ user }: { user: User }) {
  const real = user.name === user.realName ? "" : user.realName;
  if (!real && !user.handle && !user.verified) return null;
  return (
    <p class="small quiet home-names">
      {real && <bdi>{real}</bdi>}
      {user.handle && <bdi>{`@${user.handle}`}</bdi>}
      {user.verified && <bdi class="verified">{user.verified}</bdi>}
    </p>
  );
}

function Cover({ id, page }: { id: string; page: Page | undefined }) {
  const failed = useSignal("");
  const colours = coloursOf(page?.theme);
  const address = allowedPicture(page?.cover);
  const stops = colours.length === 1 ? [colours[0], `color-mix(in oklab, ${colours[0]}, #000 35%)`] : colours;
  return (
    <div
      class={`cover cover-${colourOf(id)}`}
      style={stops.length ? { backgroundImage: `linear-gradient(120deg, ${stops.join(", ")})` } : undefined}
    >
      {address && failed.value !== address && (
        <img src={address} alt="" decoding="async" draggable={false} onError={() => (failed.value = address)} />
      )}
    </div>
  );
}

/** What the card tells, by name. */
export function Fields({ fields }: { fields: readonly CardField[] }) {
  if (!fields.length) return null;
  return (
    <Card>
      <dl class="fields">
        {fields.map(({ name, value }) => (
          <div key={name} class="setting">
            <dt class="small quiet" dir="auto">
              {name}
            </dt>
            <dd class="anywhere" dir="auto">
              {value}
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
