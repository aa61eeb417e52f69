"""The settings of media: uploaded files, pictures, voice notes."""

from typing import Annotated, Literal

from msgspec import Meta

from chatd.config.section import Section, span, text

MIB, GIB = 1 << 20, 1 << 30


class Retention(Section, frozen=True):
    """The days for which files of each kind are kept after they were sent; 0 for ever."""

    picture: Annotated[int, Meta(ge=0, le=36_500)] = 0
    video: Annotated[int, Meta(ge=0, le=36_500)] = 0
    voice: Annotated[int, Meta(ge=0, le=36_500)] = 0
    file: Annotated[int, Meta(ge=0, le=36_500)] = 0


class S3(Section, frozen=True):
    """A bucket of a store that speaks S3. `key_file`: two lines, the id of a key and its secret.

    `endpoint`: of the store, as clients reach it, too. `redirect_s`: how long an address of a file opens it there.
    """

    endpoint: str = ""
    bucket: str = ""
    region: str = "us-east-1"
    key_file: str = ""
    redirect_s: Annotated[int, Meta(ge=30, le=3600)] = 300


class Media(Section, frozen=True):
    """Pictures, video, files and voice notes (docs/media.md); pictures need `pip install 'chatd[media]'`."""

    enabled: Annotated[
        bool, text("Switches media on: a process beside the daemon takes and serves files.")
    ] = False
    address: Annotated[
        str, text("The listener for files; an origin of its own, so that no file is a page of the chat.")
    ] = "127.0.0.1:8472"
    url: Annotated[
        str,
        text("The public address of that listener, which clients are told; empty: http:// and `address`."),
    ] = ""
    engine: Annotated[
        Literal["local", "s3"],
        text("Where whole files lie: local, in `directory`, or s3, in a bucket (pip install 'chatd[s3]')."),
    ] = "local"
    directory: Annotated[
        str, text("Where files lie, with s3 only uploads; empty: `media` in the directory of the database.")
    ] = ""
    s3: Annotated[
        S3,
        text(
            "With engine s3: endpoint, bucket, region, key_file; redirect_s, for which an address opens a file."
        ),
    ] = S3()
    file_bytes: Annotated[int, span(MIB, 16 * GIB, "Bytes of one file: a video of some minutes.")] = 256 * MIB
    picture_mpx: Annotated[
        int, span(1, 200, "Millions of pixels of a picture: the largest phone camera.")
    ] = 50
    voice_ms: Annotated[int, span(1000, 3_600_000, "Milliseconds of a voice note.")] = 300_000
    user_bytes: Annotated[
        int, span(0, 1 << 50, "Bytes that one user may keep, 0 for any: one cannot fill the disk.")
    ] = 5 * GIB
    room_bytes: Annotated[int, span(0, 1 << 50, "Bytes of the files in one room, 0 for any.")] = 50 * GIB
    min_free_bytes: Annotated[
        int,
        span(64 * MIB, 1 << 50, "Free bytes of the disk below which nothing is taken; messages still are."),
    ] = GIB
    connections: Annotated[
        int, span(1, 100_000, "Connections to the listener; each upload holds up to 512 KiB.")
    ] = 1000
    retention_days: Annotated[
        Retention, text("Days for which files are kept after they were sent, by kind; 0 for ever.")
    ] = Retention()
    inspectors: Annotated[
        int, span(0, 64, "Processes that open what users upload; 0: a core less than there are, 1 to 4.")
    ] = 0
    fences: Annotated[
        Literal["preferred", "required"],
        text("Whether media start where the kernel cannot fence in the processes that open uploads."),
    ] = "preferred"
    link_s: Annotated[
        int, span(60, 86_400, "Seconds for which a link to a file opens it: a page of history is looked at.")
    ] = 900
