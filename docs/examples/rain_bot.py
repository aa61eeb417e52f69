"""A bot that says whether it rains. It greets, takes a command and a button, and answers everything once.

    python docs/examples/rain_bot.py http://127.0.0.1:8471 ck_...

The key needs the scopes bots, users and messages. The bot asks for its updates and remembers how far it came. The key
of an answer is made of the update it answers, so that a bot that is killed and started again says nothing twice.
"""

import json
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

BOT = "rain"
CITIES = {"city=vie": "In Vienna it rains.", "city=gnt": "In Ghent it does not rain, for once."}
BUTTONS = [[{"label": "Vienna", "data": "city=vie"}, {"label": "Ghent", "data": "city=gnt"}]]
QUESTION = {"text": "Where are you?", "buttons": BUTTONS}
CURSOR = Path("rain_bot.cursor")


def call(method: str, path: str, body: Any = None) -> Any:
    """Ask the API, and return its answer."""
    content = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {sys.argv[2]}", "Content-Type": "application/json"}
    request = Request(sys.argv[1] + path, content, headers, method=method)  # noqa: S310 - as it was given
    with urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def answer_to(event: dict[str, Any]) -> dict[str, Any]:
    """Return what the bot says to a message; a press has the data of its button, others what they like."""
    said = CITIES.get(str(event["body"].get("data")))
    return QUESTION if said is None else {"text": said, "reply_to": event["seq"]}


def main() -> None:
    commands = [{"name": "rain", "description": "Does it rain?"}]
    call("PUT", f"/v1/bots/{BOT}", {"commands": commands, "welcome": QUESTION})
    call("PUT", f"/v1/users/{BOT}", {"name": "Rain"})
    after = CURSOR.read_text() if CURSOR.exists() else ""
    while True:
        page = call("GET", f"/v1/bots/{BOT}/events?wait=30&after={after}")
        for entry in page["events"]:
            if entry["type"] == "event.message" and "body" in entry["event"]:
                said = {"as": BOT, "key": f"re-{entry['id']}", "body": answer_to(entry["event"])}
                try:
                    call("POST", f"/v1/rooms/{entry['room']}/messages", said)
                except HTTPError as refusal:
                    # They block the bot, it was removed from the room, or the room is gone.
                    if refusal.code not in (403, 404, 410):
                        raise
        after = page["next"]
        CURSOR.write_text(after)


if __name__ == "__main__":
    main()
