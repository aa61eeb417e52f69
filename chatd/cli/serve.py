"""`chatd serve`: run the daemon."""

import gc

import click

from chatd.cli.options import ConfigSources, with_config_sources
from chatd.cli.preflight import file_problems, require_free
from chatd.cli.rereading import ConfigReloader
from chatd.config.first_secret import with_first_secret, with_origin


@click.command(
    epilog="""\b
Examples:
  chatd serve --config /etc/chatd/chatd.toml
  chatd serve --data /var/lib/chatd --set listen.address=0.0.0.0:8470
  CHATD_LOG__LEVEL=debug chatd

It stops on SIGTERM or Ctrl-C after telling its clients to reconnect; a second signal ends it at once.
SIGHUP reads the configuration again: chatd config doc says which keys count at once."""
)
@with_config_sources
def serve(sources: ConfigSources) -> None:
    """Run the daemon until a signal stops it.

    Without any configured keys it serves built-in accounts (chatd user add), whose tokens are signed with a
    secret that it makes in its data directory at the first start.
    """
    loaded = sources.load(file_problems)
    require_free(loaded.config)
    loaded = with_origin(loaded, with_first_secret(loaded.config, create=True))
    # Hardly anything of the start is garbage, and looking for it is a tenth of the start; the runner switches it on.
    gc.disable()
    from chatd.cli.starting import start_explained
    from chatd.server.runner import run  # uvicorn and the rest take a third of a second to import

    with start_explained():
        run(loaded, ConfigReloader(sources))
