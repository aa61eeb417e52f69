"""The packages that open what users upload, which are not always installed (docs/media.md)."""

from importlib.util import find_spec

PICTURES = ("pyvips", "pillow_heif")
VIDEO = ("av",)
BUCKETS = ("obstore",)
INSTALL = "pip install 'chatd[media]'"
INSTALL_S3 = "pip install 'chatd[s3]'"


def missing(packages: tuple[str, ...]) -> list[str]:
    """Return those that are not installed."""
    return [name for name in packages if find_spec(name) is None]


def what_is_off() -> str:
    """Return what cannot be done for want of packages, as a sentence; "" where all of them are there."""
    pictures, video = missing(PICTURES), missing(VIDEO)
    lost = [
        *(["pictures are refused"] if pictures else []),
        *(["video and voice notes stay as they were sent"] if video else []),
    ]
    if not lost:
        return ""
    return f"{' and '.join(lost)}, for want of {', '.join((*pictures, *video))}: {INSTALL}"
