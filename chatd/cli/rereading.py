"""What SIGHUP asks for: the configuration read again from the same places, as far as a running daemon can take it."""

from chatd.cli.options import Places
from chatd.cli.preflight import file_problems
from chatd.config.first_secret import with_first_secret
from chatd.config.model import Config
from chatd.config.problems import ConfigError
from chatd.config.reloadable import Takeover, Unusable, takeover
from chatd.config.rules import broken_rules


class Rereader:
    """Reads `places` again; called with the configuration that is in force."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def __call__(self, running: Config) -> Takeover:
        """What to put in force and what has to wait. Raises Unusable with all that is wrong."""
        try:
            return self._read(running)
        except ConfigError as error:
            raise Unusable(str(error)) from None

    def _read(self, running: Config) -> Takeover:
        loaded = self._places.load(file_problems)
        wanted = with_first_secret(loaded.config, create=False)
        found = takeover(running, wanted)
        # Each was checked for itself; together with what has to wait they may still contradict each other.
        if broken := list(broken_rules(found.config, loaded.origins)):
            raise ConfigError(broken)
        return found
