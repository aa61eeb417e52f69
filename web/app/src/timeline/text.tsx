/** The text of a message: folded when it is long, with its links and mentions; nothing in it is markup. */
import { hrefOf, follow } from "../shell/router.js";
import { me } from "../shell/state.js";
import { userOf } from "../shell/users.js";
import { t } from "../locale/locale.js";
import { type Names, type Piece, piecesOf } from "./pieces.js";

interface TextProps {
  text: string;
  mentions: readonly string[];
}

export function Text({ text, mentions }: TextProps) {
  return <>{piecesOf(text, namesOf(mentions)).map((piece, at) => <Part key={at} piece={piece} />)}</>;
}

function Part({ piece }: { piece: Piece }) {
  if (piece.kind === "text") return <>{piece.text}</>;
  if (piece.kind === "mention") return <Mention {...piece} />;
  return (
    <>
      <a class="link" href={piece.url} target="_blank" rel="noopener noreferrer nofollow" title={piece.host && piece.url}>
        <bdi>{piece.text}</bdi>
      </a>
      {piece.host && <bdi class="link-host" dir="ltr">{` (${piece.host})`}</bdi>}
    </>
  );
}

function Mention({ text, user }: { text: string; user: string }) {
  const own = user === me.value || user === "*" ? "mention own" : "mention";
  if (user === "*") return <bdi class={own}>{text}</bdi>;
  return (
    <a class={own} href={hrefOf({ name: "person", user })} onClick={follow}>
      <bdi>{text}</bdi>
    </a>
  );
}

/** The texts that mention these users: their names, and their ids as other clients write them. */
function namesOf(mentions: readonly string[]): Names {
  const names = new Map<string, string>();
  for (const user of mentions) {
    if (user === "*") for (const word of [t("chat.everybody"), "all"]) names.set(`@${word}`, "*");
    else names.set(`@${userOf(user).value.realName}`, user).set(`@${user}`, user);
  }
  return names;
}
