"""The plan of one run: drawn first, so that the choices say at their beginning which faults there are."""

from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from chatd.config import model
from chatd.config.groups import Channels
from chatd.config.listen import Listen
from chatd.config.people import Bounds, People
from chatd.config.rates import Rates
from chatd.config.secret import Secret
from tests.kit.tokens import SECRET
from tests.simulation import host, media, push_service, search
from tests.simulation.choices import Lane
from tests.simulation.client import ADDRESS

FAULTS = (
    "cuts",  # a connection is reset after so many bytes
    "pieces",  # bytes come in pieces
    "clogs",  # a network carries nothing for a while
    "vanish",  # a client vanishes without a close
    "slow_reader",  # a client reads nothing for a while
    "slow_disk",
    "failing_disk",  # full, busy, I/O errors
    "crash",
    "restart",  # SIGTERM and a new start
    "jump",  # of the wall clock
    "pause",  # nothing runs for a while
    "reinstall",
    "stale",  # old cursors
    "revoke",
    "expiry",  # tokens that run out
    "restore",
    "evict",  # rooms leave memory early
    "tight",  # small outboxes
    "strict",  # low rates
    "abandon",  # apps closed, networks switched
    "herd",  # all connections are cut at once, as when a proxy is restarted
)

# Drawn last, so that older seeds and choices stay valid.
LATE_FAULTS = (
    "fold",  # old operations leave the logs
    "turnover",  # rooms are deleted, others are made
    "notes",  # the host changes account rows of its users, and lets half a year pass
    "update",  # apps learn the feature words for account rows
    "switch",  # a section of account rows is switched off and on
)
# No fault: in so many runs people are switched on, and users have the actions for it. Drawn after all faults.
PEOPLE_ONE_IN = 3
# In so many runs the host hears of everything, and judges what is sent. Drawn last; then its own faults.
HOOKS_ONE_IN = 8
HOOK_FAULTS = (
    "hook_slow",  # answers come late, some too late
    "hook_lies",  # verdicts that are none, and an event that is refused
    "hook_gone",  # it dies, also between a request and its answer, and comes back
)
# In so many runs push is on, and devices that are away have registered. Drawn behind hooks; then its own faults.
PUSH_ONE_IN = 12
PUSH_FAULTS = (
    "push_hangs",  # the push service answers too late, or never
    "push_refuses",  # it is busy, fails, or does not know a device any more
    "push_goaway",  # it ends connections with requests under way
)
# In so many runs there are moderators. Drawn last; then what they do.
MODERATED_ONE_IN = 8
MODERATORS_ACTS = (
    "mute",
    "ban",  # users are kept from writing, or out, until it is lifted
    "erase",  # persons are erased, whose phones are gone for good
)
# In so many runs there are files. Drawn last; then their own faults.
MEDIA_ONE_IN = 12
MEDIA_FAULTS = (
    "part_cut",  # uploads break off, or go on over another network
    "child_dies",  # the process of media ends alone
    "media_full",  # the disk of files
    "collector_races",  # what nobody uses goes while it is forwarded
    "takedown",  # files are taken out of every place
)
# No fault: in so many runs groups govern themselves.
GOVERNED_ONE_IN = 8
# In so many runs users have the actions of conversations.
CONVERSATIONS_ONE_IN = 4
# In so many runs messages can be searched. Drawn last; then what befalls the index.
SEARCH_ONE_IN = 6
SEARCH_FAULTS = ("index_gone",)  # it is deleted, or its process dies
# In so many runs messages are kept for a time, chosen by users, or by the operator: hours, which the clock on the wall
# skips, or seconds. Drawn behind search; then what takes away what is older.
RETAINED_ONE_IN = 5
RETAIN_S = (0, 7200, 3)
RETENTION_FAULTS = ("purge",)
# In so many runs there is a channel, and users make more of them.
CHANNELS_ONE_IN = 5
# The operations a room keeps in a run with folds: its log is short.
OPERATIONS_KEPT = 4

RATES = Rates(
    hello_user_per_min=100,
    writes_per_s=50,
    people_per_min=600,
    friend_requests_per_day=1000,
    searches_per_s=50,
)
# All users are in groups of all, strangers or not, and see each other until something changes.
PEOPLE = People(
    enabled=True, privacy={"add": Bounds(default="everyone"), "presence": Bounds(default="acquaintances")}
)

CHANNELS = Channels(enabled=True, create="users", head_interval_s=1.0)

# Actions of each client: most runs are small.
SIZES = (4, 2, 3, 4, 5, 6, 6, 8, 10, 16, 30)


@dataclass(slots=True, frozen=True)
class Scenario:
    """The parameters of a run. `clients`: for each the index of its user. Two clients of one user are two devices."""

    faults: frozenset[str]
    clients: tuple[int, ...]
    rooms: int
    actions: int
    trouble_s: float
    seed: int
    people: bool = False
    # Whether a judge that fails does so open or closed; "" without one.
    hooks: str = ""
    push: bool = False
    moderated: bool = False
    media: bool = False
    governed: bool = False
    conversations: bool = False
    search: bool = False
    retained: bool = False
    # By the operator.
    retain_s: int = 0
    channels: bool = False

    def has(self, fault: str) -> bool:
        return fault in self.faults


def scenario(plan: Lane) -> Scenario:
    """Draw a scenario. All calm: one client of each of two users, one room, few actions."""
    seed = plan.pick(1 << 30)
    faults = frozenset(fault for fault in FAULTS if plan.befalls(2))
    extra = plan.pick(3) + (plan.pick(5) if plan.befalls(5) else 0)
    users = [0, 1]
    for _ in range(extra):
        users.append(plan.pick(len(users)) if plan.befalls(3) else max(users) + 1)
    rooms = 1 + (plan.pick(5) if plan.befalls(2) else 0)
    actions = SIZES[plan.pick(len(SIZES))]
    trouble_s = 2.0 + plan.pick(8)
    faults |= {fault for fault in LATE_FAULTS if plan.befalls(2)}
    people, hooks = plan.befalls(PEOPLE_ONE_IN), ""
    if plan.befalls(HOOKS_ONE_IN):
        hooks = ("closed", "open")[plan.pick(2)]
        faults |= {fault for fault in HOOK_FAULTS if plan.befalls(2)}
    push = plan.befalls(PUSH_ONE_IN)
    if push:
        faults |= {fault for fault in PUSH_FAULTS if plan.befalls(2)}
    moderated = plan.befalls(MODERATED_ONE_IN)
    if moderated:
        faults |= {act for act in MODERATORS_ACTS if plan.befalls(2)}
    has_media = plan.befalls(MEDIA_ONE_IN)
    if has_media:
        faults |= {fault for fault in MEDIA_FAULTS if plan.befalls(2)}
    governed, conversations = plan.befalls(GOVERNED_ONE_IN), plan.befalls(CONVERSATIONS_ONE_IN)
    has_search = plan.befalls(SEARCH_ONE_IN)
    if has_search:
        faults |= {fault for fault in SEARCH_FAULTS if plan.befalls(2)}
    retained, retain_s = plan.befalls(RETAINED_ONE_IN), 0
    if retained:
        retain_s = RETAIN_S[plan.pick(len(RETAIN_S))]
        faults |= {*RETENTION_FAULTS}
    kept = (retained, retain_s, plan.befalls(CHANNELS_ONE_IN))
    extras = (people, hooks, push, moderated, has_media, governed, conversations, has_search, *kept)
    return Scenario(faults, tuple(users), rooms, actions, trouble_s, seed, *extras)


def configured(chosen: Scenario, directory: Path) -> model.Config:
    """Return the configuration of a daemon of this scenario: the defaults, except for what takes long to reach."""
    settings = model.Config(
        listen=Listen(address=ADDRESS, ops_address=""),
        storage=model.Storage(directory=str(directory), min_free_bytes=0, readers=1),
        auth=model.Auth(secret=Secret(SECRET), grace_s=1.0),
        drain=model.Drain(window_s=0.2, deadline_s=2.0, spread_min_s=0.5),
        delivery=model.Delivery(presence_linger_s=2.0),
        heartbeat=model.Heartbeat(foreground_s=15, background_s=30, answer_foreground_s=5.0),
        limits=model.Limits(frame_bytes=16384),
    )
    if chosen.has("tight"):
        marks = model.Outbox(ephemeral_bytes=1024, lag_bytes=4096, close_bytes=16384, stall_s=1.0)
        settings = replace(settings, outbox=marks)
    if chosen.has("evict"):
        settings = replace(settings, storage=replace(settings.storage, room_idle_s=1.0))
    if chosen.has("fold"):
        kept = replace(settings.storage, operations_kept=OPERATIONS_KEPT, operations_kept_days=0)
        settings = replace(settings, storage=kept)
    rates = Rates() if chosen.has("strict") else RATES
    if chosen.people:
        settings = replace(settings, people=PEOPLE)
    if chosen.hooks:
        settings = replace(settings, **host.settings(directory.parent, chosen.hooks))
    if chosen.push:
        settings = replace(settings, push=push_service.settings(directory.parent))
    if chosen.media:
        settings = replace(settings, media=media.settings(directory.parent / "media"))
    if chosen.search:
        settings = replace(settings, search=search.settings(directory.parent))
    if chosen.retain_s:
        settings = replace(settings, storage=replace(settings.storage, retain_s=chosen.retain_s))
    if chosen.channels:
        # Staff are told how many follow, at the end of a run, too.
        delivery = replace(settings.delivery, members_interval_s=1.0)
        settings = replace(settings, channels=CHANNELS, delivery=delivery)
    return replace(settings, rates=rates)
