"""The loop of `chatd-inspect`: fences first, then one file after the other, until its socket ends."""

import os
import socket
import sys

from chatd.media.inspect import jobs
from chatd.media.inspect.fences import limit_processor, limit_resources, raise_fences
from chatd.media.inspection import Bounds, Descriptors, Fenced, FromInspector, Job, Refusal
from chatd.protocol.process_frames import HEAD_BYTES, Kind, decode, frame

DESCRIPTORS = 4
REASON_MAX = 200  # characters of what a decoder says


def serve(pipe: socket.socket) -> None:
    """Inspect what is handed over. Raises OSError and ValueError when the other end is no `chatd-media`."""
    head, _ = received(pipe, 0)
    bounds: Bounds = decode(head, Bounds)
    jobs.prepare()
    limit_resources(bounds.memory_bytes, bounds.file_bytes)
    # Libraries write there what hostile bytes make them say.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    answer(pipe, Fenced(raise_fences(), jobs.libraries()))
    while True:
        payload, descriptors = received(pipe, DESCRIPTORS)
        if not payload:
            return
        try:
            answer(pipe, outcome(decode(payload, Job), Descriptors(*descriptors)))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


def outcome(job: Job, descriptors: Descriptors) -> FromInspector:
    """Return what became of a job. Whatever a decoder raises: nobody else could open the file either."""
    limit_processor(job.seconds)
    try:
        return jobs.inspected(job, descriptors)
    except Exception as error:
        return Refusal("unreadable", f"{type(error).__name__}: {error}"[:REASON_MAX])


def received(pipe: socket.socket, count: int) -> tuple[bytes, list[int]]:
    """Return the payload of the next frame, empty at the end, and the descriptors that came with it."""
    head, descriptors, _, _ = socket.recv_fds(pipe, HEAD_BYTES, count)
    if not head:
        return b"", []
    return pipe.recv(int.from_bytes(head[:4], "big"), socket.MSG_WAITALL), descriptors


def answer(pipe: socket.socket, content: FromInspector) -> None:
    pipe.sendall(frame(Kind.CONTENT, content))
