"""The settings of groups, channels, search and cards."""

from typing import Annotated, Literal

from chatd.config.section import Section, span, text


class Groups(Section, frozen=True):
    """Who enters a group, and how many wait (protocol.md "Governed groups")."""

    joins_max: Annotated[int, span(1, 5000, "Requests that wait in a group: a queue one can read.")] = 500
    bans_max: Annotated[int, span(1, 100_000, "Users banned from a group at a time.")] = 10_000
    invites_max: Annotated[int, span(1, 200, "Invites of a group that work at a time.")] = 20
    invite_days: Annotated[
        int, span(1, 365, "Days for which an invite works, unless it says: a picture of a code is forgotten.")
    ] = 7
    invite_url: Annotated[
        str, text("A page of the host app that opens an invite, with {invite} in it; empty: none.")
    ] = ""


class Channels(Section, frozen=True):
    """Channels: few write, any number follows (protocol.md "Channels")."""

    enabled: Annotated[bool, text("Switches channels on.")] = False
    create: Annotated[
        Literal["host", "users"], text("Who makes them: the back end of the host app, or any user.")
    ] = "host"
    staff_max: Annotated[int, span(1, 500, "Admins and owners of a channel: all of them are in memory.")] = 50
    followed_max: Annotated[
        int, span(10, 5000, "Channels that a user follows: a hello reads a row of each.")
    ] = 500
    head_interval_s: Annotated[
        float, span(1, 600, "Seconds between heads of a channel, each with a preview of the newest post.")
    ] = 10.0


class Discovery(Section, frozen=True):
    """A directory of the groups and channels that their owners list (protocol.md "Discovery")."""

    enabled: Annotated[bool, text("Switches it on: users find rooms by title and tag, and enter them.")] = (
        False
    )
    members_min: Annotated[
        int, span(1, 10_000, "Members from which on a room is shown: a directory of empty rooms is none.")
    ] = 3


class Search(Section, frozen=True):
    """Search in messages (docs/search.md); it needs `pip install 'chatd[search]'`."""

    enabled: Annotated[bool, text("Switches search on: a process beside the daemon fills an index.")] = False
    file: Annotated[
        str, text("The index, a path to a search.sqlite, which may be deleted; empty: beside the database.")
    ] = ""
    single_characters: Annotated[
        bool, text("Whether one Chinese character is found; without, the index is a third smaller.")
    ] = True


class Cards(Section, frozen=True):
    """Cards in messages (protocol.md "Sharing")."""

    image_hosts: Annotated[
        tuple[str, ...],
        text("Hosts from which pictures of cards may come: to read a chat contacts nobody else."),
    ] = ()
