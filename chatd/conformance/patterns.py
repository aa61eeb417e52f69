"""A value as what is sent, and as a pattern of what comes: `fill` and `match`; pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .values import Absent, Anything, Between, Call, Either, More, Name, Not, Rest, replaced, show

Helper = Callable[..., Any]


def fill(value: Any, bound: Mapping[str, Any], helpers: Mapping[str, Helper]) -> Any:
    """Return the plain value to send. Raises ValueError when a `$name` has no value, or a part only fits a pattern."""
    match value:
        case Name():
            if value.name not in bound:
                raise ValueError(f"${value.name} has no value yet")
            return bound[value.name]
        case Call():
            return fill(called(value, bound, helpers), bound, helpers)
        case dict():
            return {key: fill(part, bound, helpers) for key, part in value.items() if part != Absent()}
        case list():
            return [fill(part, bound, helpers) for part in spliced(value, bound, helpers)]
        case Anything() | Absent() | Rest() | Either() | Between() | Not() | More():
            raise ValueError(f"{show(value)} is a pattern, and no value to send")
    return value


def called(call: Call, bound: Mapping[str, Any], helpers: Mapping[str, Helper]) -> Any:
    """Return what a call makes, in which patterns of its arguments are left; of a range in its first argument a list,
    an item for each number. Raises ValueError."""
    if call.name not in helpers:
        raise ValueError(f"there is no ${call.name}(...)")
    named = {key: _argument(part, bound, helpers) for key, part in call.named.items()}
    args = [_argument(part, bound, helpers) for part in spliced(call.args, bound, helpers)]
    helper = helpers[call.name]
    try:
        if args and isinstance(args[0], Between):
            return [helper(number, *args[1:], **named) for number in range(args[0].low, args[0].high + 1)]
        return helper(*args, **named)
    except TypeError as error:
        raise ValueError(f"${call.name}: {error}") from None


def _argument(value: Any, bound: Mapping[str, Any], helpers: Mapping[str, Helper]) -> Any:
    if isinstance(value, Call):
        return called(value, bound, helpers)
    return replaced(value, bound)


def spliced(items: Sequence[Any], bound: Mapping[str, Any], helpers: Mapping[str, Helper]) -> list[Any]:
    """Return the items of a list, with what a call of a range makes in its place."""
    found: list[Any] = []
    for item in items:
        ranged = isinstance(item, Call) and bool(item.args) and isinstance(item.args[0], Between)
        found += called(item, bound, helpers) if ranged else [item]
    return found


def match(
    pattern: Any, value: Any, bound: dict[str, Any], helpers: Mapping[str, Helper], path: str = ""
) -> str:
    """Return how the value differs from the pattern, empty when it does not; then `bound` has the new names.

    Keys that the pattern does not name are free.
    """
    trial = dict(bound)
    reason = _differs(pattern, value, trial, helpers, path)
    if not reason:
        bound.update(trial)
    return reason


def _differs(
    pattern: Any, value: Any, bound: dict[str, Any], helpers: Mapping[str, Helper], path: str
) -> str:
    match pattern:
        case Anything():
            return ""
        case Name():
            if pattern.name in bound:
                return _unequal(bound[pattern.name], value, path)
            bound[pattern.name] = value
            return ""
        case Call():
            return _differs(called(pattern, bound, helpers), value, bound, helpers, path)
        case Either():
            return _none_of(pattern, value, bound, helpers, path)
        case Between():
            high = fill(pattern.high, bound, helpers)
            fits = isinstance(value, int) and pattern.low <= value <= high
            return "" if fits else _expected(f"{pattern.low}..{high}", value, path)
        case Not():
            trial = dict(bound)
            same = not _differs(pattern.value, value, trial, helpers, path)
            return _expected(f"anything but {show(pattern.value)}", value, path) if same else ""
        case dict():
            return _object_differs(pattern, value, bound, helpers, path)
        case list():
            return _array_differs(pattern, value, bound, helpers, path)
    return _unequal(pattern, value, path)


def _none_of(
    pattern: Either, value: Any, bound: dict[str, Any], helpers: Mapping[str, Helper], path: str
) -> str:
    for option in pattern.options:
        trial = dict(bound)
        if not _differs(option, value, trial, helpers, path):
            bound.update(trial)
            return ""
    return _expected(show(pattern), value, path)


def _object_differs(
    pattern: dict[str, Any], value: Any, bound: dict[str, Any], helpers: Mapping[str, Helper], path: str
) -> str:
    if not isinstance(value, dict):
        return _expected(show(pattern), value, path)
    for key, part in pattern.items():
        inner = f"{path}.{key}" if path else key
        if part == Absent():
            if key in value:
                return f"{inner} should be absent, and is {show(value[key])}"
        elif key not in value and Absent() in getattr(part, "options", ()):
            continue
        elif key not in value:
            return f"{inner} is missing, expected {show(part)}"
        elif reason := _differs(part, value[key], bound, helpers, inner):
            return reason
    return ""


def _array_differs(
    pattern: list[Any], value: Any, bound: dict[str, Any], helpers: Mapping[str, Helper], path: str
) -> str:
    if not isinstance(value, list):
        return _expected(show(pattern), value, path)
    wanted = spliced(pattern, bound, helpers)
    if wanted.count(Rest()) > 1:
        return "" if _fit(wanted, value, bound, helpers) else _expected(show(pattern), value, path)
    if Rest() in wanted:
        place = wanted.index(Rest())
        before, behind = wanted[:place], wanted[place + 1 :]
        if len(value) < len(before) + len(behind):
            return _expected(show(pattern), value, path)
        pairs = [*zip(before, value, strict=False)]
        pairs += zip(behind, value[len(value) - len(behind) :], strict=True)
    elif len(wanted) != len(value):
        return f"{path or 'the array'} has {len(value)} items, expected {len(wanted)}: {show(value)}"
    else:
        pairs = [*zip(wanted, value, strict=True)]
    for place, (part, item) in enumerate(pairs):
        if reason := _differs(part, item, bound, helpers, f"{path}[{place}]"):
            return reason
    return ""


def _fit(
    wanted: Sequence[Any], value: Sequence[Any], bound: dict[str, Any], helpers: Mapping[str, Helper]
) -> bool:
    """Return whether the items of an array fit patterns with more than one `...` among them."""
    if not wanted:
        return not value
    part, *others = wanted
    if part == Rest():
        return any(_fit(others, value[skipped:], bound, helpers) for skipped in range(len(value) + 1))
    return (
        bool(value)
        and not _differs(part, value[0], bound, helpers, "")
        and _fit(others, value[1:], bound, helpers)
    )


def _unequal(expected: Any, value: Any, path: str) -> str:
    # In Python True is 1; on the wire it is not.
    same = expected == value and isinstance(expected, bool) == isinstance(value, bool)
    return "" if same else _expected(show(expected), value, path)


def _expected(expected: str, value: Any, path: str) -> str:
    return f"{path or 'it'}: expected {expected}, got {show(value)}"
