"""What SIGHUP asks for: the configuration read again from the same places, as far as a running daemon can take it."""

from chatd.cli.options import ConfigSources
from chatd.cli.preflight import file_problems
from chatd.config.first_secret import with_first_secret
from chatd.config.model import Config
from chatd.config.problems import ConfigError
from chatd.config.reloadable import ReloadPlan, Unusable, plan_reload
from chatd.config.rules import broken_rules


class ConfigReloader:
    """Reads `sources` again; called with the configuration that is in force."""

    def __init__(self, sources: ConfigSources) -> None:
        self._sources = sources

    def __call__(self, running: Config) -> ReloadPlan:
        """What to put in force and what has to wait. Raises Unusable with all that is wrong."""
        try:
            return self._read(running)
        except ConfigError as error:
            raise Unusable(str(error)) from None

    def _read(self, running: Config) -> ReloadPlan:
        loaded = self._sources.load(file_problems)
        wanted = with_first_secret(loaded.config, create=False)
        found = plan_reload(running, wanted)
        # Each was checked for itself; together with what has to wait they may still contradict each other.
        if broken := list(broken_rules(found.config, loaded.origins)):
            raise ConfigError(broken)
        return found
