"""Reading the configuration again from the same sources, for the reload of a running daemon."""

from dataclasses import replace

from chatd.cli.options import ConfigSources
from chatd.cli.preflight import file_problems
from chatd.config.first_secret import with_first_secret, with_origin
from chatd.config.model import Config
from chatd.config.problems import ConfigError
from chatd.config.reloadable import ReloadPlan, Unusable, plan_reload
from chatd.config.rules import broken_rules


class ConfigReloader:
    """The reader of the configuration at a reload; called with the configuration in force."""

    def __init__(self, sources: ConfigSources) -> None:
        self._sources = sources

    def __call__(self, running: Config) -> ReloadPlan:
        """Return the changes to apply and those that have to wait. Raises Unusable with all problems."""
        try:
            return self._read(running)
        except ConfigError as error:
            raise Unusable(str(error)) from None

    def _read(self, running: Config) -> ReloadPlan:
        loaded = self._sources.load(file_problems)
        wanted = with_first_secret(loaded.config, create=False)
        found = plan_reload(running, wanted)
        # The new configuration is valid, but mixed with old values of waiting keys it may contradict itself.
        if broken := list(broken_rules(found.config, loaded.origins)):
            raise ConfigError(broken)
        return replace(found, origins=with_origin(loaded, wanted).origins)
