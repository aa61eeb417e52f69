"""The parts of the configuration that decisions and screening follow."""

from msgspec.structs import astuple

from chatd.config.groups import Channels, Groups
from chatd.config.media import Media
from chatd.config.model import Config
from chatd.config.people import People
from chatd.config.rates import Rates
from chatd.core.allowances import Kind
from chatd.core.privacy import BOUNDS, Bounds, HostBounds
from chatd.core.read_set import DAY_MS, ChannelRules, GroupRules, MediaRules, PeopleRules, Rules
from chatd.core.velocity import NEW_SHARE
from chatd.env import Env
from chatd.push.zones import knows_zone
from chatd.webhooks.interface import LinkOf
from chatd.webhooks.settings import judges_of
from chatd.writer.screening import ScreeningRules

HOUR_MS = 3_600_000

# More than anybody meets; a moderator reads each of them.
REPORTS_PER_DAY = 20


def rules_of(config: Config) -> Rules:
    """Return the part of the configuration that decisions follow."""
    return Rules(
        body_bytes=config.limits.body_bytes,
        image_hosts=frozenset(config.cards.image_hosts),
        group_members=config.limits.group_members,
        full_members=config.delivery.full_members,
        large_members=config.delivery.large_members,
        delivered_members=config.delivery.delivered_members,
        edit_window_ms=config.storage.edit_window_s * 1000,
        recall_window_ms=config.storage.recall_window_s * 1000,
        shown_to=config.privacy.shown_to,
        rooms_per_user=config.limits.rooms_per_user,
        bans_max=config.groups.bans_max,
        people=people_rules_of(config.people),
        media=media_rules_of(config.media),
        groups=group_rules_of(config.groups),
        channels=channel_rules_of(config.channels),
        new_account_ms=new_account_ms(config),
        bots=config.bots.enabled,
        push=config.push.enabled,
        knows_zone=knows_zone,
    )


def new_account_ms(config: Config) -> int:
    """Return the age below which an account may do less; 0 for none."""
    return config.moderation.new_account_h * HOUR_MS if config.moderation.enabled else 0


def people_rules_of(people: People) -> PeopleRules:
    """Return the part of the configuration that decisions on people follow."""
    return PeopleRules(
        enabled=people.enabled,
        host_owns=frozenset(people.host_owns),
        refuse_unknown=people.unknown_users == "refuse",
        friends_max=people.friends_max,
        requests_max=people.requests_max,
        inbox_max=people.inbox_max,
        request_ms=people.request_days * DAY_MS,
        quiet_ms=people.quiet_days * DAY_MS,
        small_group_members=people.small_group_members,
        bounds=bounds_of(people),
        request_texts=people.request_texts,
        message_requests_max=people.message_requests_max,
    )


def bounds_of(people: People) -> HostBounds:
    """Return the audiences from which users choose: those of the host, else of protocol.md "Privacy"."""
    return {
        capability: Bounds(*(chosen or usual for chosen, usual in zip(astuple(own), bound, strict=True)))
        if (own := people.privacy.get(capability))
        else bound
        for capability, bound in BOUNDS.items()
    }


def media_rules_of(media: Media) -> MediaRules:
    """Return the part of the configuration that decisions on files follow."""
    kept = media.retention_days
    return MediaRules(
        enabled=media.enabled,
        file_bytes=media.file_bytes,
        voice_ms=media.voice_ms,
        user_bytes=media.user_bytes,
        room_bytes=media.room_bytes,
        kept_ms={kind: getattr(kept, kind) * DAY_MS for kind in ("picture", "video", "voice", "file")},
    )


def group_rules_of(groups: Groups) -> GroupRules:
    """Return the part of the configuration that decisions on groups follow."""
    return GroupRules(
        joins_max=groups.joins_max,
        invites_max=groups.invites_max,
        invite_ms=groups.invite_days * DAY_MS,
        invite_url=groups.invite_url,
    )


def channel_rules_of(channels: Channels) -> ChannelRules:
    """Return the part of the configuration that decisions on channels follow."""
    return ChannelRules(
        enabled=channels.enabled,
        users_create=channels.create == "users",
        staff_max=channels.staff_max,
        followed_max=channels.followed_max,
    )


def allowances_of(config: Config) -> dict[Kind, int]:
    """Return the allowances of each user, for a day, an hour or a minute."""
    rates = config.rates
    if not rates.enabled:
        return {}
    return {
        **(velocity_of(rates) if config.moderation.enabled else {}),
        "bytes": rates.stored_bytes_per_day,
        "rooms": rates.rooms_per_day,
        "added": rates.added_per_day,
        "friend_requests": rates.friend_requests_per_day,
        "strangers": rates.strangers_per_day,
        "reports": REPORTS_PER_DAY,
        "flags": REPORTS_PER_DAY,
        "uploads": rates.uploads_per_min,
        "joins": rates.joins_per_hour,
        "forwards": rates.forwards_per_min,
    }


def velocity_of(rates: Rates) -> dict[Kind, int]:
    """Return the allowances that moderation adds."""
    return {
        "direct_rooms": rates.direct_rooms_per_day,
        "new_direct_rooms": max(1, rates.direct_rooms_per_day // NEW_SHARE),
        "mentions": rates.mentions_per_min,
    }


def screens(config: Config) -> bool:
    """Whether anything screens what others will read."""
    return config.moderation.enabled or bool(config.hooks.before)


def screening_rules_of(config: Config, env: Env, link_of: LinkOf) -> ScreeningRules:
    """Return the part of the configuration that screening follows, with its judges. Raises ConfigError."""
    rules = rules_of(config)
    judges = tuple(judges_of(config, rules, env, link_of))
    return ScreeningRules(judges, config.hooks.pending_max, new_account_ms(config), rules.edit_window_ms)
