"""Decisions of push in the words of an operator. All that comes from outside is cleaned."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chatd.cli.chat.wording import Line, clean
from chatd.cli.hook_lines import clock

DEVICE_WIDTH = 22


class Meaning(NamedTuple):
    """The meaning of an outcome, and the style in which it is shown."""

    says: str
    style: str = "note"


OUTCOMES: Mapping[str, Meaning] = {
    "own": Meaning("they wrote it themselves", "faint"),
    "large_room": Meaning(
        "the room is large: those who are named are told, and those who asked for all of it"
    ),
    "departed": Meaning("they are no member, or may not see it"),
    "blocked": Meaning("they block its author"),
    "request": Meaning("it is a message request, which they have not accepted"),
    "disabled": Meaning("the account is closed or banned"),
    "no_token": Meaning("the device is not registered"),
    "stale_device": Meaning("the device was not seen for 60 days"),
    "prefs_off": Meaning("they switched it off, for the room or for all"),
    "muted": Meaning("the room is muted, and no mention breaks it"),
    "mentions_only": Meaning("they want mentions only, and this is none"),
    "foreground": Meaning("the app was open on this device", "faint"),
    "read": Meaning("they had read it on another device", "faint"),
    "recalled": Meaning("it was recalled", "faint"),
    "quiet": Meaning("it was quiet time, in which they want nothing"),
    "paced": Meaning("one came a moment before; the next says how many", "faint"),
    "sent": Meaning("the push service took it", "ok"),
    "sent_silent": Meaning("the push service took it; it makes no sound", "ok"),
    "superseded": Meaning("a newer one of the same room replaced it", "faint"),
    "expired": Meaning("it was too old when its turn came"),
    "provider_busy": Meaning("the push service was busy or down for too long", "bad"),
    "token_dead": Meaning(
        "the push service does not know the device any more; the app registers at its next start", "bad"
    ),
    "provider_error": Meaning("the push service refused it", "bad"),
}
"""The outcomes of core/push.py."""

RULES: Mapping[str, tuple[str, str]] = {
    "own": ("they wrote it", "they did not write it"),
    "large_room": (
        "the room is large, and neither are they named nor did they ask for all",
        "the room is not too large, or they are named",
    ),
    "departed": ("they are no member, or may not see it", "they are a member and may see it"),
    "blocked": ("they block the author", "they do not block the author"),
    "request": ("it is a message request", "the room is in their list"),
    "disabled": ("the account is closed or banned", "the account is open"),
    "no_token": ("the device is not registered", "the device is registered"),
    "stale_device": ("the device was not seen for 60 days", "the device was seen in the last 60 days"),
    "prefs_off": ("they switched it off", "they have it switched on"),
    "muted": ("the room is muted", "the room is not muted"),
    "mentions_only": ("they want mentions only", "they want more than mentions, or are named"),
    "foreground": ("the app is open on this device", "the app is not open on this device"),
    "read": ("they have read it", "they have not read it"),
    "recalled": ("it was recalled", "it was not recalled"),
    "quiet": ("it is quiet time", "no quiet time keeps it back"),
}
"""For each rule of core/push_decision.py its words when it fits, and when it does not."""

DRY_RUN, BY_OPERATOR = "dry run", "paused by an operator"
SENT = ("sent", "sent_silent")


def decision_line(one: Mapping[str, Any], today: str) -> Line:
    """Return one decision of the day. `today`: the date, which is not repeated."""
    when = time.strftime("%Y-%m-%d", time.localtime(one["time"] / 1000))
    meaning = OUTCOMES.get(one["outcome"], Meaning("", "bad"))
    about = " ".join(clean(str(one[key])) for key in ("room", "seq") if key in one)
    return (
        (f"  {'' if when == today else when + ' '}{clock(one['time'])}  ", "faint"),
        (f"{clean(one.get('device', '')) or '-':<{DEVICE_WIDTH}}  ", ""),
        (f"{clean(one['kind']):<8} ", "kind"),
        (f"{about}  " if about else "", "faint"),
        (f"{clean(one['outcome'])}", meaning.style),
        (f": {meaning.says}" if meaning.says else "", ""),
        (f"  [{clean(one['detail'])}]" if one.get("detail") else "", "faint"),
    )


def now_lines(devices: Sequence[Mapping[str, Any]], badge: int, *, rules: bool = False) -> Iterator[Line]:
    """Yield what would happen at this moment, device by device. `rules`: with the rules that do not fit, too."""
    for one in devices:
        yield from device_lines(one, rules=rules)
    yield (("  The number on the icon is ", ""), (str(badge), "strong"), (".", ""))


def device_lines(one: Mapping[str, Any], *, rules: bool) -> Iterator[Line]:
    paused = clean(one.get("paused", "")) if one["outcome"] in SENT else ""
    is_sent = one["outcome"] in SENT and not paused
    said = f"would not be sent now: {paused}" if paused else clean(one["outcome"])
    if is_sent:
        said = "would be sent" + (", without a sound" if one["outcome"] == "sent_silent" else "")
        said += f", after {one['delay_s']} s: another device is in use" if one.get("delay_s") else ""
    yield (
        ("  ✓ " if is_sent else "  ✗ ", "ok" if is_sent else "bad"),
        (f"{clean(one['device']) or 'any device':<{DEVICE_WIDTH}}  ", "strong"),
        (f"{clean(one['platform'])}: " if one["platform"] else "", "kind"),
        (said, "ok" if is_sent else "note"),
    )
    # The last is the outcome. Nobody has seen a device that there is not.
    hidden = () if one["device"] else ("stale_device",)
    for line in one["lines"][:-1]:
        if line["outcome"] in RULES and line["outcome"] not in hidden and (rules or line["fits"]):
            fits, fits_not = RULES[line["outcome"]]
            yield (
                ("      ", ""),
                ("✗ " if line["fits"] else "· ", "bad" if line["fits"] else "faint"),
                (fits if line["fits"] else fits_not, "" if line["fits"] else "faint"),
            )


def line_of_test(one: Mapping[str, Any], width: int = 0) -> Line:
    """Return the outcome of a test of one registration. `width`: of the places below each other."""
    is_sent, meaning = one["outcome"] in SENT, OUTCOMES.get(one["outcome"], Meaning("", "bad"))
    answer = f"{one['status'] or ''} {clean(one['detail'])}".strip()
    is_dry = is_sent and one["detail"] == DRY_RUN
    return (
        ("  ✓ " if is_sent else "  ✗ ", "ok" if is_sent else "bad"),
        (f"{clean(one['device']):<{DEVICE_WIDTH}}  ", "strong"),
        (f"{place(one):<{width}}  ", "kind"),
        ("would be sent" if is_dry else f"{clean(one['outcome'])}: {meaning.says}", meaning.style),
        (f"  [{answer}]" if answer and not is_dry else "", "faint"),
    )


def app_line(one: Mapping[str, Any], width: int = 0) -> Line:
    """Return the state of one app. `width`: as above."""
    paused = clean(one["paused"])
    said = (
        paused
        if paused == BY_OPERATOR
        else f"paused, because the key was refused: {paused}"
        if paused
        else "sends"
    )
    return (
        (f"  {place(one):<{width}}  ", "strong"),
        (said, "bad" if paused else "ok"),
        (f"  {one['waiting']} wait" if one["waiting"] else "", "note"),
    )


def width_of(found: Iterable[Mapping[str, Any]]) -> int:
    """Return the width of the longest place."""
    return max((len(place(one)) for one in found), default=0)


def place(one: Mapping[str, Any]) -> str:
    """Return the platform and the app of something."""
    return " ".join(clean(one[key]) for key in ("platform", "app") if one[key])
