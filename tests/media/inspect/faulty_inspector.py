"""An inspector that fails, or was taken over: how it does is its argument. Run as a script."""

import os
import socket
import sys

from chatd.media.inspect.main import answer, received
from chatd.media.inspection import Bounds, Fenced, Found, Refusal, Written
from chatd.protocol.messages import Attachment
from chatd.protocol.process_frames import decode

LIE = Found(Attachment(url="media:", mime="text/html", kind="picture"), (Written("full", "text/html"),))


def serve(pipe, fault):
    decode(received(pipe, 0)[0], Bounds)
    if fault == "never starts":
        return
    missing = ("landlock", "seccomp") if fault == "is not fenced" else ()
    answer(pipe, Fenced(missing, ("pictures",)))
    while True:
        payload, descriptors = received(pipe, 4)
        if not payload:
            return
        match fault:
            case "dies":
                os.abort()
            case "hangs":
                pipe.recv(1)
            case "babbles":
                pipe.sendall(b"\xff" * 100)
            case "lies":
                answer(pipe, LIE)
            case "dies once":
                # The first process leaves a mark in the file of what was sent.
                if os.pread(descriptors[0], 4, 0) == b"once" and not os.path.exists(sys.argv[2]):
                    open(sys.argv[2], "w").close()
                    os.abort()
                answer(pipe, Refusal("not_supported", str(os.getpid())))
            case "names itself":
                answer(pipe, Refusal("not_supported", str(os.getpid())))
        for descriptor in descriptors:
            os.close(descriptor)


if __name__ == "__main__":
    with socket.socket(fileno=0) as pipe:
        serve(pipe, sys.argv[1])
