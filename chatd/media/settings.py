"""The part of the configuration that the process of media needs, which the daemon tells it first."""

from msgspec import Struct

from chatd.config.media import Media
from chatd.config.model import Log


class MediaSettings(Struct, frozen=True):
    """`listener`: the number of the descriptor of the listening socket. `database`: its path. `link_key`: signs links.

    `directory`: where files lie, which is there. `origins`: of pages that may read answers. `proxies`: networks whose
    forwarded addresses count. `tls_cert`, `tls_key`: paths, "" for none.
    """

    media: Media
    listener: int
    database: str
    directory: str
    link_key: bytes
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    tls_cert: str = ""
    tls_key: str = ""
    log: Log = Log()

    def __repr__(self) -> str:
        return f"MediaSettings({self.directory!r})"
