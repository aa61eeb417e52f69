"""The durations of the client, each with its unit and its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in seconds. The defaults are those of protocol.md; tests and load generators shrink them."""

    backoff_base_s: float = 1.0
    backoff_cap_s: float = 60.0
    backoff_background_cap_s: float = 900.0
    backoff_calm_s: float = 30.0
    """Seconds in READY after which the backoff begins again at its base (protocol.md, "States")."""
    wake_jitter_s: float = 1.0
    """Spread of the attempt after the network is back or the app is in front (protocol.md, "States")."""
    portal_wait_s: float = 30.0
    """Wait behind a captive portal (protocol.md, "Rules for mobile clients")."""
    open_s: float = 10.0
    """TCP, TLS and upgrade together: as long as the server allows for the hello."""
    request_s: float = 10.0
    """Time without an answer after which a request makes the client probe the link (protocol.md, "States")."""
    probe_s: float = 5.0
    """Time for the answer to a probe, and the least time between two (protocol.md, "States")."""
    dead_s: float = 15.0
    """Silence beyond the heartbeat that proves the link dead (protocol.md, "States")."""
    close_s: float = 5.0
    """Time for the peer to finish a close (protocol.md, "bye")."""
    call_s: float = 30.0
    """Time that a call of the public interface waits for connection and reply together, by default."""
    gap_s: float = 0.5
    """Wait before a hole is repaired: most holes are reordering and close by themselves (protocol.md, "Positions,
    gaps and repair")."""
    read_s: float = 2.0
    """At most one read mark per room in this time (protocol.md, "read")."""
    delivered_s: float = 5.0
    """At most one delivered mark in this time (protocol.md, "delivered")."""
    typing_s: float = 3.0
    """At most one typing signal per room in this time (protocol.md, "typing")."""
    typing_shown_s: float = 6.0
    """Time for which a typing signal is shown (protocol.md, "typing")."""
    live_note_shown_s: float = 12.0
    """Time after which a live note is over of which nothing more is heard (protocol.md, "Live notes")."""
    file_silence_s: float = 60.0
    """Silence after which a connection that carries a file is given up; a server inspects for 20 s (protocol.md,
    "Uploading")."""
    file_retry_s: float = 1.0
    """Time between two attempts on a file without progress; it doubles."""
    file_retry_cap_s: float = 30.0
    """Most time between two attempts on a file."""
    inspecting_s: float = 1.0
    """Time between two questions whether an uploaded file is ready."""
    positions_s: float = 1.0
    """Interval in which positions are written: losing a second of them costs a repeated page, never a message."""
    token_retry_s: float = 10.0
    """Pause after a failed renewal of the token; the server warns 60 s ahead (protocol.md, "auth, token_expiring")."""
    later_s: float = 1.0
    """Pause after `later` without `retry_after`; doubles up to the cap of the backoff."""

    def pause_s(self, retry_after: int | None) -> float:
        """Return the pause after a refusal with `later`, in seconds; `retry_after` is what it said, in milliseconds."""
        return self.later_s if retry_after is None else retry_after / 1000
