"""A photograph of a phone, made up: the encoder is the daemon's, where it is installed."""

from importlib.util import find_spec

PRESENT = find_spec("pyvips") is not None
WIDTH, HEIGHT = 1632, 1224  # 2 Mpx
CELL = 64  # pixels of the largest shapes in it


def jpeg(seed: int) -> bytes:
    """Return a JPEG of 2 Mpx, as large as one of a phone."""
    import pyvips

    bands = [pyvips.Image.perlin(WIDTH, HEIGHT, cell_size=CELL, seed=seed + band) for band in range(3)]
    noise = pyvips.Image.gaussnoise(WIDTH, HEIGHT, sigma=8, mean=0, seed=seed)
    picture = bands[0].bandjoin(bands[1:]) * 100 + 128 + noise
    return bytes(picture.cast("uchar").copy(interpretation="srgb").jpegsave_buffer(Q=85))
