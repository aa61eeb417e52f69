"""The messages that a client shows against those of the server, for fault runs; pure."""

from .codec import Packet


def compared(messages: list[Packet], shown: list[Packet]) -> list[str]:
    """Return how the messages that a client shows differ from those of the server."""
    numbers = [each["seq"] for each in shown]
    wanted = [message["seq"] for message in messages]
    if numbers != wanted:
        missing, more = sorted(set(wanted) - set(numbers)), sorted(set(numbers) - set(wanted))
        return [
            f"it shows other messages: {missing} are missing, {more} are too many, order {numbers == sorted(numbers)}"
        ]
    return [why for message, each in zip(messages, shown, strict=True) if (why := _differs(message, each))]


def _differs(message: Packet, shown: Packet) -> str:
    text = message.get("body", {}).get("text", "")
    reactions = {each["emoji"]: each["count"] for each in message.get("reactions", ())}
    pairs = {
        "text": (text, shown.get("text", "")),
        "recalled": (message.get("recalled", False), shown.get("recalled", False)),
        "edited": (message.get("edited", 0), shown.get("edited", 0)),
        "reactions": (reactions, shown.get("reactions", {})),
    }
    wrong = [
        f"{key} is {ours!r}, and {theirs!r} at the server"
        for key, (theirs, ours) in pairs.items()
        if theirs != ours
    ]
    return f"message {message['seq']}: {'; '.join(wrong)}" if wrong else ""
