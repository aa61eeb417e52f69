/** The emoji by subject; loaded when they are first shown. Those that were used last come first. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t, type TextKey } from "../locale/locale.js";

const GROUPS: readonly (readonly [TextKey, string])[] = [
  [
    "emoji.faces",
    "😀😃😄😁😆😅🤣😂🙂🙃😉😊😇🥰😍🤩😘😗😚😋😛😜🤪😝🤑🤗🤭🤫🤔🤐🤨😐😑😶😏😒🙄😬😌😔😪🤤😴😷🤒🤕🤢🤮🥵🥶🥴😵🤯🤠🥳😎🤓🧐😕😟🙁😮😯😲😳🥺😦😧😨😰😥😢😭😱😖😣😞😓😩😫🥱😤😡😠🤬😈💀💩🤡👻👽🤖",
  ],
  [
    "emoji.people",
    "👋🤚✋🖖👌🤏✌️🤞🤟🤘🤙👈👉👆👇☝️👍👎✊👊🤛🤜👏🙌👐🤲🤝🙏✍️💪👀👁️👄🧠👶🧒👦👧👩👨👵👴🙋🤷🤦🙇💁🙅🙆💃🕺👫👭👬💏💑👪❤️🧡💛💚💙💜🖤🤍🤎💔💕💞💓💗💖💘💝💯💢💥💫💦💤",
  ],
  [
    "emoji.nature",
    "🐶🐱🐭🐹🐰🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵🙈🙉🙊🐔🐧🐦🐤🦆🦅🦉🐺🐴🦄🐝🐛🦋🐌🐞🐢🐍🐙🦀🐠🐬🐳🐊🐘🐪🦒🐄🐑🐐🦌🐕🐈🐓🕊️🐇🌵🎄🌲🌳🌴🌱🌿☘️🍀🍁🍂🌷🌹🌺🌻🌼🌞🌝🌙⭐🌟✨⚡🔥🌈☀️⛅☁️🌧️⛄❄️💧🌊",
  ],
  [
    "emoji.food",
    "🍏🍎🍐🍊🍋🍌🍉🍇🍓🍒🍑🥭🍍🥥🥝🍅🥑🥦🥕🌽🌶️🥐🍞🥖🧀🥚🍳🥞🥓🍔🍟🍕🌭🥪🌮🌯🥗🍝🍜🍲🍣🍱🥟🍤🍙🍚🍘🍡🍦🍰🎂🍮🍭🍫🍿🍩🍪☕🍵🥤🍺🍻🥂🍷🥃🍸🍹🥢🍴",
  ],
  [
    "emoji.activities",
    "⚽🏀🏈⚾🎾🏐🎱🏓🏸🥊🛹⛸️🎿🏂🏋️🤸🧘🏊🏄🚴🏆🥇🥈🥉🎫🎭🎨🎬🎤🎧🎼🎹🥁🎷🎸🎻🎲♟️🎯🎳🎮🧩🎉🎊🎈🎁🧧🏮🎀🎆🎇",
  ],
  [
    "emoji.places",
    "🚗🚕🚌🏎️🚓🚑🚒🚚🚜🚲🛵🏍️🚄🚂🚇✈️🚀🛸🚁⛵🚢⚓🚦🗺️🗽🗼🏰🎡🎢⛲🏖️🏝️🏔️⛰️🏕️🏠🏡🏢🏥🏫🏪🕌⛪🛕⛩️🌃🌅🌇🌉🌏",
  ],
  [
    "emoji.things",
    "⌚📱💻⌨️🖥️🖨️📷📹🎥📞📺📻⏰⏳🔋💡🔦🕯️💸💰💳💎🔧🔨🔑🔒🔓🚪🛏️🚿🛁🧹🧺🛒💌📦📬📅📈📌📎✂️📝✏️🔍📚📖🔖🏷️📰🗑️💊💉🩹🔬🔭",
  ],
  [
    "emoji.signs",
    "✅❌❓❗⁉️💬💭🔔🔕🎵🎶➕➖✖️➗♾️💲™️©️®️🔴🟠🟡🟢🔵🟣⚫⚪🟤▶️⏸️⏹️⏩⏪🔀🔁⬆️⬇️⬅️➡️🔄🆗🆒🆕🆓🔝⚠️🚫♻️🏁🚩🏳️🏳️‍🌈",
  ],
];

const RECENT = "chatd:emoji";
const RECENT_MAX = 24;
const segmenter = new Intl.Segmenter();

export function EmojiPicker({ onPick }: { onPick: (emoji: string) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const recent = useSignal(read());
  useEffect(() => box.current!.querySelector<HTMLElement>("button")?.focus({ preventScroll: true }), []);
  const pick = (emoji: string) => {
    keep([emoji, ...recent.value.filter((other) => other !== emoji)].slice(0, RECENT_MAX));
    onPick(emoji);
  };
  const groups: (readonly [TextKey, readonly string[]])[] = GROUPS.map(([title, emoji]) => [title, signs(emoji)]);
  if (recent.value.length > 0) groups.unshift(["emoji.recent", recent.value]);
  return (
    <div ref={box} class="emoji-picker" onKeyDown={move}>
      {groups.map(([title, emoji]) => (
        <section key={title} aria-label={t(title)}>
          <h3>{t(title)}</h3>
          <div class="emoji-grid">
            {emoji.map((sign) => (
              <button key={sign} type="button" aria-label={sign} onClick={() => pick(sign)}>
                {sign}
              </button>
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}

const signs = (text: string): string[] => [...segmenter.segment(text)].map(({ segment }) => segment);

/** The arrows move through the grid. */
function move(event: KeyboardEvent): void {
  const box = event.currentTarget as HTMLElement;
  const all = [...box.querySelectorAll<HTMLElement>("button")];
  const at = all.indexOf(event.target as HTMLElement);
  const grid = box.querySelector(".emoji-grid")!;
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (!by || at < 0) return;
  event.preventDefault();
  event.stopPropagation();
  all[Math.max(0, Math.min(all.length - 1, at + by))]!.focus();
}

function read(): string[] {
  try {
    return (JSON.parse(localStorage.getItem(RECENT) ?? "[]") as unknown[]).filter((sign) => typeof sign === "string").slice(0, RECENT_MAX);
  } catch {
    return [];
  }
}

function keep(recent: readonly string[]): void {
  try {
    localStorage.setItem(RECENT, JSON.stringify(recent));
  } catch {
    // They are a convenience.
  }
}
