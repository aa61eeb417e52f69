"""The settings of push notifications."""

from typing import Annotated, Literal

from msgspec import Meta

from chatd.config.section import Section, span, text

Platform = Literal["apns", "fcm", "web", "gateway"]
Content = Literal["full", "sender", "none"]
Path = Annotated[str, Meta(min_length=1)]


class PushApp(Section, frozen=True):
    """One app at one push service. `app`: the word by which devices name it in devices.push.

    `key_file`: the .p8 key of APNs, the service account of FCM as JSON, the VAPID key of web (PEM), the secret that
    signs what a gateway is sent. `team`, `key_id`, `topic`: of APNs; `topic` is the bundle id. `project`: of FCM.
    `url`: of a gateway; for others in place of the service's own address. `display`: whether FCM itself shows it.
    """

    platform: Platform
    key_file: Path
    app: Annotated[str, Meta(max_length=128)] = ""
    team: str = ""
    key_id: str = ""
    topic: str = ""
    project: str = ""
    url: Annotated[str, Meta(max_length=2048)] = ""
    display: bool = False


class Push(Section, frozen=True):
    """Push notifications (docs/push.md); they need `pip install 'chatd[push]'`."""

    enabled: Annotated[bool, text("Switches push on; without an app there is nothing to send to.")] = False
    apps: Annotated[
        tuple[PushApp, ...],
        Meta(
            max_length=32,
            description="Apps of push services: platform apns, fcm, web or gateway; app, key_file; "
            "team, key_id, topic; project; url; display.",
        ),
    ] = ()
    vapid_subject: Annotated[
        str, text("A mailto: or https: address of the operator, which browsers' push services ask for.")
    ] = ""
    workers: Annotated[
        int, span(0, 1, "Processes that send: one beside the daemon, or 0 for the daemon itself.")
    ] = 1
    delay_s: Annotated[
        int,
        span(0, 60, "Seconds to wait while another device of the user is looked at: time to read it there."),
    ] = 10
    stale_s: Annotated[
        int, span(60, 86_400, "Seconds after which a message is not worth a notification any more.")
    ] = 600
    ttl_s: Annotated[
        int, span(0, 2_419_200, "Seconds for which a push service keeps it for a phone that is off.")
    ] = 86_400
    members_all: Annotated[
        int,
        span(
            1,
            10_000,
            "Members of a room up to which all are told; above, those who are named or asked for it.",
        ),
    ] = 500
    content_max: Annotated[
        Content, text("The most that push services and lock screens see: full, sender (a name), or none.")
    ] = "full"
