/** The page Rooms: one is found by its id. */
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { go, to } from "./host_parts.js";
import { hostTexts } from "./host_texts.js";
import { Card, Empty, Search } from "./parts.js";
import { RoomPage } from "./room.js";

const words = hostTexts.rooms;
const RECENT = 10;

/** The rooms that were looked at since the page was loaded, the newest first. */
const recent = signal<readonly { room: string; title: string }[]>([]);

export function remember(room: string, title: string): void {
  recent.value = [{ room, title }, ...recent.value.filter((one) => one.room !== room)].slice(0, RECENT);
}

export function RoomsPage({ path: [room] }: { path: readonly string[] }) {
  return room ? <RoomPage key={room} room={room} /> : <Find />;
}

function Find() {
  const [typed, type] = useState("");
  const find = (): void => {
    if (typed.trim()) go("rooms", typed.trim());
  };
  return (
    <>
      <div class="toolbar">
        <Search label={words.search} value={typed} onInput={type} onSubmit={find} />
        <button type="submit" class="button" onClick={find}>
          {words.find}
        </button>
      </div>
      {recent.value.length ? (
        <Card title={words.recent}>
          <ul class="entries">
            {recent.value.map(({ room, title }) => (
              <li key={room}>
                <div>
                  <a class="row-link" href={to("rooms", room)}>
                    <bdi>{title}</bdi>
                  </a>
                  <code class="quiet small">{room}</code>
                </div>
              </li>
            ))}
          </ul>
        </Card>
      ) : (
        <Empty icon="rooms" title={words.none} hint={words.noneHint} />
      )}
    </>
  );
}
