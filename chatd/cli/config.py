"""`chatd config`: write, check, show and explain the configuration."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import click

from chatd.cli.exits import Failure
from chatd.cli.options import ConfigSources, with_config_sources, with_configuration
from chatd.cli.preflight import file_problems
from chatd.config.addresses import is_loopback, split_address
from chatd.config.file_permissions import LOOK, fault, new_private_file
from chatd.config.first_secret import is_configured, secret_path
from chatd.config.loading import Loaded
from chatd.config.memory import as_table
from chatd.config.model import Config, several
from chatd.config.schema import sections
from chatd.config.text import as_json, as_markdown, as_shown, as_toml


@click.group(
    epilog="""\b
Examples:
  chatd config init > chatd.toml
  chatd config init --section push
  chatd config check --config chatd.toml
  chatd config show --config chatd.toml --changed
  chatd config show --config chatd.toml --memory
  CHATD_LIMITS__PAGE=100 chatd config show --json"""
)
def config() -> None:
    """Write, check, show and explain the configuration.

    A value is taken from a flag, else from CHATD_SECTION__KEY in the environment, else from the file,
    else it is the default.
    """


@config.command()
@click.option("--output", metavar="FILE", help="Write to FILE instead of stdout; never overwrites.")
@click.option("--all", "everything", is_flag=True, help="Every key, with its default and its reason.")
@click.option(
    "--section", type=click.Choice([one.name for one in sections()]), help="The keys of one section."
)
def init(output: str | None, everything: bool, section: str | None) -> None:
    """Print a file with the keys that most installations decide on, their defaults and their reasons."""
    if everything and section:
        raise click.UsageError("Give --all or --section.")
    content = as_toml(section or "", everything=everything)
    if output is None:
        click.echo(content, nl=False)
        return
    try:
        # An operator may add a secret, so other users may never read it.
        with new_private_file(Path(output)) as file:
            file.write(content)
    except OSError as error:
        raise Failure(f"{output} cannot be written: {error.strerror}") from None
    click.echo(f"Wrote {output}. Next: chatd config check --config {output}")


@config.command()
@click.option("--quiet", is_flag=True, help="Print problems only; for ExecStartPre.")
@with_config_sources
def check(sources: ConfigSources, quiet: bool) -> None:
    """Print OK, or all problems (exit code 3).

    It also reads key and certificate files, but does not use the network.
    """
    loaded = sources.load(file_problems)
    warnings = _warnings(loaded.config)
    if not quiet:
        for warning in warnings:
            click.echo(f"warning: {warning}", err=True)
        many = "s" if len(warnings) > 1 else ""
        click.echo(f"OK ({len(warnings)} warning{many})" if warnings else "OK")


@config.command()
@click.option("--changed", is_flag=True, help="Only values that are not the default.")
@click.option("--json", "for_programs", is_flag=True, help="As JSON.")
@click.option("--memory", is_flag=True, help="Instead, the bounds of memory that follow from the limits.")
@with_configuration
def show(loaded: Loaded, changed: bool, for_programs: bool, memory: bool) -> None:
    """Print the values in force and the origin of each. Secrets are not shown."""
    if memory:
        click.echo(as_table(loaded.config), nl=False)
        return
    click.echo(as_json(loaded) + "\n" if for_programs else as_shown(loaded, only_changed=changed), nl=False)


@config.command()
def doc() -> None:
    """Print the reference of all keys in markdown."""
    click.echo(as_markdown(), nl=False)


def _warnings(configuration: Config) -> list[str]:
    listen = configuration.listen
    found = []
    if not is_configured(configuration.auth):
        found.append(
            f"no keys are configured: only built-in accounts work, signed with {secret_path(configuration)}"
            if configuration.auth.accounts
            else "no keys are configured and accounts are off: nobody can connect"
        )
    if _is_open(several(listen.address)) and not listen.tls_cert and not listen.trusted_proxies:
        found.append("listen.address is open to the network without TLS and without a trusted proxy")
    if _is_open(several(listen.ops_address)):
        found.append("listen.ops_address is open to the network; metrics and health need no token")
    if listen.unsafe_any_origin:
        found.append("listen.unsafe_any_origin lets every web page open sockets")
    directory = Path(configuration.storage.directory)
    with suppress(OSError):  # there is none before the first start
        if wrong := fault(directory, LOOK):
            found.append(f"{directory}: {wrong.what}. {wrong.fix}")
    if configuration.push.enabled and not configuration.push.apps:
        found.append("push.enabled without push.apps: there is no push service to send to")
    if configuration.push.apps and not configuration.push.enabled:
        found.append("push.apps without push.enabled: nothing is sent")
    if not configuration.rates.enabled:
        found.append("rates.enabled = false lets one client slow all others")
    return found


def _is_open(addresses: Iterable[str]) -> bool:
    return not all(is_loopback(split_address(address)[0]) for address in addresses)
