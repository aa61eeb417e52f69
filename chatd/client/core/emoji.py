"""The normal form of an emoji (protocol.md, "react"), so that the form shown before the server answers is the one it
stores. Whether a text is an emoji at all is for the server to decide; pure."""

import re

TEXT_BY_DEFAULT = """
A9 AE 203C 2049 2122 2139 2194-2199 21A9-21AA 2328 23CF 23ED-23EF 23F1-23F2 23F8-23FA 24C2 25AA-25AB 25B6 25C0
25FB-25FC 2600-2604 260E 2611 2618 261D 2620 2622-2623 2626 262A 262E-262F 2638-263A 2640 2642 265F-2660 2663
2665-2666 2668 267B 267E 2692 2694-2697 2699 269B-269C 26A0 26A7 26B0-26B1 26C8 26CF 26D1 26D3 26E9 26F0-26F1 26F4
26F7-26F9 2702 2708-2709 270C-270D 270F 2712 2714 2716 271D 2721 2733-2734 2744 2747 2763-2764 27A1 2934-2935
2B05-2B07 3030 303D 3297 3299 1F170-1F171 1F17E-1F17F 1F202 1F237 1F321 1F324-1F32C 1F336 1F37D 1F396-1F397
1F399-1F39B 1F39E-1F39F 1F3CB-1F3CE 1F3D4-1F3DF 1F3F3 1F3F5 1F3F7 1F43F 1F441 1F4FD 1F549-1F54A 1F56F-1F570
1F573-1F579 1F587 1F58A-1F58D 1F590 1F5A5 1F5A8 1F5B1-1F5B2 1F5BC 1F5C2-1F5C4 1F5D1-1F5D3 1F5DC-1F5DE 1F5E1 1F5E3
1F5E8 1F5EF 1F5F3 1F5FA 1F6CB 1F6CD-1F6CF 1F6E0-1F6E5 1F6E9 1F6F0 1F6F3
"""
"""Characters of emoji that are text unless U+FE0F follows: ranges of code points in hex."""

_CHARACTERS = re.sub(r"[0-9A-F]+\s*", lambda found: chr(int(found[0], 16)), TEXT_BY_DEFAULT.strip())
_BARE = re.compile(f"[{_CHARACTERS}](?![\U0001f3fb-\U0001f3ff])|.(?=\u20e3)")


def normal_emoji(emoji: str) -> str:
    """Return an emoji as the server stores it: with U+FE0F where it belongs, and nowhere else."""
    return _BARE.sub("\\g<0>\ufe0f", re.sub("[\ufe0e\ufe0f]", "", emoji))
