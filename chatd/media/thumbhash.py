"""ThumbHash: a picture in some 25 bytes, shown until the picture is there (https://evanw.github.io/thumbhash/).

Three planes of colour and one of opacity, each as the lowest terms of a cosine transform.
"""

from collections.abc import Sequence
from math import cos, pi

SIDE_MAX = 100  # pixels of what is hashed, as the reference demands
NOISE = 1e-9  # of a plane of one colour, where the sums do not come out as 0
Plane = Sequence[float]


def thumbhash(width: int, height: int, rgba: bytes) -> bytes:
    """Return the hash of a picture of at most 100 × 100 pixels, whose opacity is not multiplied into its colours."""
    opacity = [value / 255 for value in rgba[3::4]]
    covered = sum(opacity)
    means = [
        sum(map(_times, opacity, rgba[band::4])) / 255 / covered if covered else 0.0 for band in range(3)
    ]
    # The average colour stands behind what is transparent.
    red, green, blue = (
        [
            mean * (1 - alpha) + alpha / 255 * value
            for alpha, value in zip(opacity, rgba[band::4], strict=True)
        ]
        for band, mean in enumerate(means)
    )
    has_alpha = covered < width * height
    lightness_terms = 5 if has_alpha else 7
    longer = max(width, height)
    lx, ly = (max(1, _rounded(lightness_terms * side / longer)) for side in (width, height))
    lightness = [(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)]
    yellow_blue = [(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)]
    red_green = [r - g for r, g in zip(red, green, strict=True)]

    l_dc, l_ac, l_scale = _encoded(lightness, width, height, max(3, lx), max(3, ly))
    p_dc, p_ac, p_scale = _encoded(yellow_blue, width, height, 3, 3)
    q_dc, q_ac, q_scale = _encoded(red_green, width, height, 3, 3)
    is_landscape = width > height
    head = _rounded(63 * l_dc) | _rounded(31.5 + 31.5 * p_dc) << 6 | _rounded(31.5 + 31.5 * q_dc) << 12
    head |= _rounded(31 * l_scale) << 18 | has_alpha << 23
    rest = (ly if is_landscape else lx) | _rounded(63 * p_scale) << 3 | _rounded(63 * q_scale) << 9
    result = head.to_bytes(3, "little") + (rest | is_landscape << 15).to_bytes(2, "little")
    terms = [*l_ac, *p_ac, *q_ac]
    if has_alpha:
        a_dc, a_ac, a_scale = _encoded(opacity, width, height, 5, 5)
        result += bytes((_rounded(15 * a_dc) | _rounded(15 * a_scale) << 4,))
        terms += a_ac
    nibbles = [_rounded(15 * term) for term in terms]
    nibbles += [0] * (len(nibbles) % 2)
    return result + bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _encoded(plane: Plane, width: int, height: int, nx: int, ny: int) -> tuple[float, list[float], float]:
    """Return the constant term, the others between 0 and 1, and their scale."""
    across = [[cos(pi / width * cx * (x + 0.5)) for x in range(width)] for cx in range(nx)]
    down = [[cos(pi / height * cy * (y + 0.5)) for y in range(height)] for cy in range(ny)]
    # Rows first, then columns: the transform in both directions at once costs seven times as much.
    rows = [plane[start : start + width] for start in range(0, width * height, width)]
    sums = [[sum(map(_times, row, wave)) for row in rows] for wave in across]
    terms = [
        sum(map(_times, sums[cx], down[cy])) / (width * height)
        for cy in range(ny)
        for cx in range(nx)
        if cx * ny < nx * (ny - cy)
    ]
    scale = max(map(abs, terms[1:]), default=0.0)
    if scale < NOISE:
        return terms[0], [0.0] * (len(terms) - 1), 0.0
    return terms[0], [0.5 + 0.5 / scale * term for term in terms[1:]], scale


def _times(a: float, b: float) -> float:
    return a * b


def _rounded(value: float) -> int:
    """Return the nearest number, halves upwards as JavaScript does."""
    return int(value + 0.5)
