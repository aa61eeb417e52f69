"""Checkers of messages that the daemon sends for its users."""

from tests.simulation.history import History
from tests.simulation.host import REWRITTEN
from tests.simulation.sharing_checkers import Findings, messages


def sent_as_scheduled(history: History) -> Findings:
    """G43: A message that nobody sends is one that its user scheduled there, in their words."""
    asked = {
        (said.user, one.packet["room"], one.packet["key"], one.packet["body"]["text"])
        for said in history.conversations
        for one in said.asked
        if one.packet["type"] == "schedule" and "body" in one.packet
    }
    for truth in history.truths:
        for room, seq, row in messages(truth):
            key, body = row.key or "", row.event.get("body")
            if not key.startswith("later-") or body is None or "edited" in row.event:
                continue
            is_rewritten = bool(history.hooks) and body.get("text") == REWRITTEN
            if (row.event.get("user", ""), room, key, body.get("text")) not in asked and not is_rewritten:
                yield f"{room} {seq}: nobody scheduled {row.event}"


COMFORTS_CHECKERS = (sent_as_scheduled,)
