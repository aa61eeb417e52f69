/** The card of a message, by its type. No picture is fetched from anywhere but the server and what the operator named. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Message } from "@chatd/client";
import { useFile } from "../media/links.js";
import { fileOf } from "@chatd/client/media";
import { t, type TextKey } from "../locale/locale.js";
import { Avatar } from "../shell/avatar.js";
import { Icon, type IconName } from "../shell/icons.js";
import { allowedPicture } from "../shell/pictures.js";
import { follow, hrefOf } from "../shell/router.js";
import { adopt } from "../shell/styles.js";
import { userOf } from "../shell/users.js";
import css from "./card.css?text";
import { addressOf, cardOf, degreesOf, type Card } from "./card_shapes.js";
import type { Chat } from "./chat.js";

adopt(css);

interface CardProps {
  chat: Chat;
  message: Message;
}

interface PartProps {
  card: Card;
  /** Return the picture of an address, or what stands there without it. */
  picture: (image: string | undefined, className: string, instead?: ComponentChildren) => ComponentChildren;
}

export function MessageCard({ chat, message }: CardProps) {
  const card = cardOf(message.body)!;
  const picture: PartProps["picture"] = (image, className, instead = null) =>
    image ? <Picture key={image} image={image} class={className} room={chat.state.id} seq={message.seq} instead={instead} /> : instead;
  if (card.type === "sticker") return <Sticker card={card} picture={picture} />;
  if (card.type === "contact") return <Contact card={card} picture={picture} />;
  if (card.type === "room") return <Room card={card} picture={picture} />;
  if (card.type === "place") return <Place card={card} picture={picture} />;
  return <Thing card={card} picture={picture} />;
}

interface PictureProps {
  image: string;
  class: string;
  room: string;
  seq: number;
  instead: ComponentChildren;
}

/** A picture of the server, or of a place that the operator named. */
function Picture({ image, class: className, room, seq, instead }: PictureProps) {
  const failed = useSignal(false);
  const isOwn = image.startsWith("media:");
  const found = useFile({ url: image, mime: "" }, isOwn ? { room, seq, file: fileOf(image) } : undefined);
  const url = isOwn ? found.url : allowedPicture(image);
  const isOver = isOwn ? found.state === "gone" || found.state === "failed" : failed.value || !url;
  if (isOver) return <>{instead}</>;
  return (
    <span class={className}>
      {url && (
        <img
          src={url}
          // A file of a message opens for pages that ask as this one does, and for no other.
          {...(isOwn && { crossOrigin: "anonymous" })}
          alt=""
          decoding="async"
          draggable={false}
          onError={() => (isOwn ? found.broken() : (failed.value = true))}
        />
      )}
    </span>
  );
}

/** A card that leads to an address elsewhere, or nowhere. */
function Outside({ address, children }: { address: string | undefined; children: ComponentChildren }) {
  if (!address) return <div class="shared-box">{children}</div>;
  return (
    <a class="shared-box" href={address} target="_blank" rel="noopener noreferrer nofollow" title={address}>
      {children}
    </a>
  );
}

const KINDS: { [type: string]: { label: TextKey; icon: IconName } } = {
  link: { label: "shared.link", icon: "link" },
  post: { label: "shared.post", icon: "chat" },
  album: { label: "shared.album", icon: "picture" },
  app: { label: "shared.app", icon: "star" },
};

/** A page, or something of the host app: a post, an album, anything else. */
function Thing({ card, picture }: PartProps) {
  const { type, title = "", text, image, images = [], count = 0, user } = card;
  const { label, icon } = KINDS[type]!;
  const address = addressOf(card);
  const shown = image || images.length < 2 ? [] : images.slice(0, images.length > 3 ? 4 : 2);
  return (
    <Outside address={address?.href}>
      {shown.length ? <span class="shared-pictures">{shown.map((one) => picture(one, "shared-part"))}</span> : picture(image ?? images[0], "shared-picture")}
      <span class="shared-body">
        <span class="shared-kind">
          <Icon name={icon} />
          <span>{type === "album" && count ? t("shared.pictures", { count }) : t(label)}</span>
          {user && <bdi class="line">· {userOf(user).value.name}</bdi>}
        </span>
        <bdi class="shared-title">{title}</bdi>
        {text && (
          <span class="shared-text" dir="auto">
            {text}
          </span>
        )}
        {address && (
          <bdi class="shared-host" dir="ltr">
            {address.host}
          </bdi>
        )}
      </span>
    </Outside>
  );
}

/** A place without a picture. */
export const PlaceCard = ({ card }: { card: Card }) => <Place card={card} picture={(_, __, instead) => instead} />;

/** A place: a map elsewhere, which is opened by a press and not before. */
function Place({ card, picture }: PartProps) {
  const [north, east] = degreesOf(card);
  const numbers = `${north.toFixed(5)}, ${east.toFixed(5)}`;
  const title = card.title ?? t("shared.place");
  const map = (
    <span class="shared-map">
      <Icon name="place" />
    </span>
  );
  const address = `https://www.openstreetmap.org/?mlat=${north}&mlon=${east}#map=16/${north}/${east}`;
  return (
    <Outside address={address}>
      {picture(card.image, "shared-picture", map)}
      <span class="shared-body">
        <bdi class="shared-title">{title}</bdi>
        {card.text && (
          <span class="shared-text" dir="auto">
            {card.text}
          </span>
        )}
        <bdi class="shared-host" dir="ltr">
          {numbers}
        </bdi>
        <span class="unseen">{t("shared.place.open")}</span>
      </span>
    </Outside>
  );
}

/** A person or a group: face, name, and what a press shows. */
function Face({ href, face, name, kind, action }: { href: string; face: ComponentChildren; name: string; kind: string; action: string }) {
  return (
    <a class="shared-box" href={href} onClick={follow}>
      <span class="shared-face">
        {face}
        <span class="shared-face-text">
          <bdi class="shared-title">{name}</bdi>
          <span class="shared-kind">{kind}</span>
        </span>
      </span>
      <span class="shared-action">{action}</span>
    </a>
  );
}

function Contact({ card }: PartProps) {
  const user = userOf(card.user!).value;
  const name = user.name === user.id ? (card.title ?? user.id) : user.name;
  const face = <Avatar id={user.id} name={name} picture={user.avatar} size="row" />;
  return <Face href={hrefOf({ name: "person", user: user.id })} face={face} name={name} kind={t("shared.contact")} action={t("shared.contact.open")} />;
}

function Room({ card, picture }: PartProps) {
  const invite = card.invite!;
  const name = card.title ?? t("room.untitled");
  const face = picture(card.image, "shared-avatar", <Avatar id={invite} name={name} picture="" size="row" />);
  const href = hrefOf({ name: "page", of: "invite", page: invite, id: "" });
  return <Face href={href} face={face} name={name} kind={t("shared.room")} action={t("shared.room.open")} />;
}

/** Most pixels of a side of a sticker. */
const STICKER_PX = 160;

function Sticker({ card, picture }: PartProps) {
  const { width = 1, height = 1 } = card;
  const scale = STICKER_PX / Math.max(width, height, 1);
  const style = { inlineSize: `${Math.round(width * scale)}px`, blockSize: `${Math.round(height * scale)}px` };
  return (
    <div class="shared-sticker" role="img" aria-label={t("shared.sticker")} style={style}>
      {picture(card.image, "shared-sticker-picture")}
    </div>
  );
}
