"""The system calls that an inspector needs, by their numbers on x86-64 and on 64-bit ARM; -1 where there is none.

From `asm/unistd_64.h` and `asm-generic/unistd.h` of Linux, where a number never changes.
"""

Number = tuple[int, int]

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""By the name of a machine: the column here, and the number in <linux/audit.h>."""

# With a condition each, which fences.py has.
CLONE: Number = (56, 220)
CLONE3: Number = (435, 435)
MMAP: Number = (9, 222)
MPROTECT: Number = (10, 226)
PRCTL: Number = (157, 167)
PRLIMIT: Number = (302, 261)
TGKILL: Number = (234, 131)

ALLOWED: dict[str, Number] = {
    # Descriptors that it was given.
    "read": (0, 63),
    "write": (1, 64),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "readv": (19, 65),
    "writev": (20, 66),
    "lseek": (8, 62),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "close": (3, 57),
    "recvmsg": (47, 212),
    "recvfrom": (45, 207),
    "sendmsg": (46, 211),
    "sendto": (44, 206),
    "poll": (7, -1),
    "ppoll": (271, 73),
    # Memory.
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    # Threads, and the end.
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "getcpu": (309, 168),
    "exit": (60, 93),
    "exit_group": (231, 94),
    # Signals to itself, the time, itself.
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, -1),
    "times": (100, 153),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getrusage": (98, 165),
    "getrandom": (318, 278),
    "sysinfo": (99, 179),
    "uname": (63, 160),
}
