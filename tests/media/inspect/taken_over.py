"""A decoder that hostile bytes took over: it tries all that the fences are against, and says what came of each.

Run as a module, in a folder of its own with a file `present`. Arguments: the fences that are left out.
"""

import ctypes
import json
import mmap
import os
import platform
import resource
import socket
import sys
import threading

from chatd.media.inspect import fences
from chatd.media.inspect.system_calls import ARCHITECTURES, TGKILL

BYTES_MAX, MEMORY_MAX = 1 << 20, 1 << 30

libc = ctypes.CDLL(None, use_errno=True)
outside, inside = socket.socketpair()
readable, written = os.open("/etc/passwd", os.O_RDONLY), os.open(".", os.O_TMPFILE | os.O_RDWR)
parent = os.getppid()
COLUMN, _ = ARCHITECTURES.get(platform.machine(), (0, 0))


def call(number, *arguments):
    ctypes.set_errno(0)
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def by_name(name, *arguments):
    ctypes.set_errno(0)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def closed(path, mode="rb"):
    with open(path, mode):
        pass


def executable():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def rewritten():
    space = mmap.mmap(-1, 4096)
    by_name("mprotect", ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(space))), 4096, 5)


def in_thread(attempt):
    caught = []

    def run():
        try:
            attempt()
        except OSError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if caught:
        raise caught[0]


def large():
    bytearray(3 * MEMORY_MAX)


def long_file():
    os.pwrite(written, b"x", 2 * BYTES_MAX)


ATTEMPTS = {
    "open": lambda: closed("/etc/passwd"),
    "create": lambda: closed("created", "w"),
    "list": lambda: os.listdir("/"),
    "remove": lambda: os.unlink("present"),
    "rename": lambda: os.rename("present", "moved"),
    "reopen": lambda: closed(f"/proc/self/fd/{readable}"),
    "own memory": lambda: closed("/proc/self/mem", "r+b"),
    "tcp": lambda: socket.socket(),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "pair": lambda: socket.socketpair(),
    "name lookup": lambda: socket.getaddrinfo("localhost", 80),
    "fork": lambda: os.fork() or os._exit(0),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "kill": lambda: os.kill(parent, 0),
    "kill group": lambda: os.killpg(0, 0),
    "thread of another": lambda: call(TGKILL[COLUMN], parent, parent, 0),
    "ptrace": lambda: by_name("ptrace", 16, parent, 0, 0),
    "memory of another": lambda: by_name("process_vm_readv", parent, 0, 0, 0, 0, 0),
    "limits of another": lambda: resource.prlimit(parent, resource.RLIMIT_NOFILE, (1, 1)),
    "io_uring": lambda: call(425, 8, ctypes.create_string_buffer(120)),
    "namespace": lambda: by_name("unshare", 0x10000000),
    "memfd": lambda: os.memfd_create("x"),
    "userfaultfd": lambda: call((323, 282)[COLUMN], 0),
    "new code": executable,
    "changed code": rewritten,
    "open in a thread": lambda: in_thread(lambda: closed("/etc/passwd")),
    "socket in a thread": lambda: in_thread(lambda: socket.socket()),
    "memory": large,
    "a long file": long_file,
    "more memory": lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40)),
    "read what it has": lambda: os.pread(readable, 10, 0),
    "write what it has": lambda: os.pwrite(written, b"x", 0),
    "speak": lambda: inside.send(b"x"),
    "a thread": lambda: in_thread(lambda: None),
}

HARMFUL = ("remove", "rename", "create", "fork", "spawn", "exec", "kill group", "ptrace", "limits of another")

if __name__ == "__main__":
    for fence in sys.argv[1:]:
        setattr(fences, f"_raise_{fence}", lambda: False)
    # Without a fence these would end this process, stop another, or change what is looked at afterwards.
    harmful = HARMFUL if sys.argv[1:] else ()
    fences.limit_resources(MEMORY_MAX, BYTES_MAX)
    missing = fences.raise_fences()
    came = {}
    for name, attempt in ATTEMPTS.items():
        if name in harmful:
            continue
        try:
            attempt()
            came[name] = "done"
        except (OSError, MemoryError, ValueError) as error:
            came[name] = type(error).__name__
    os.write(1, json.dumps({"missing": missing, "came": came}).encode())
