"""Times as texts, where another standard than ours asks for them (RFC 3339)."""


def rfc3339(ms: int) -> str:
    """Return Unix milliseconds as a text in UTC.

    >>> rfc3339(1_763_900_001_456)
    '2025-11-23T12:13:21.456Z'
    """
    seconds, fraction = divmod(ms, 1000)
    days, second = divmod(seconds, 86_400)
    # The calendar repeats after 146,097 days, here from 1 March of the year 0: a leap day is the last of a year.
    eras, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    date = f"{400 * eras + year + (month >= 10):04}-{(month + 2) % 12 + 1:02}-{day + 1:02}"
    return f"{date}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{fraction:03}Z"
