"""Starts a process as the shipped unit would: behind its filter of system calls, without memory to write code into.

Run as a script. Arguments: a file with the names of the calls that are let through, and the command.
"""

import ctypes
import ctypes.util
import os
import sys
from pathlib import Path

PR_SET_NO_NEW_PRIVS, PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN = 38, 65, 1
FAIL, ALLOW = 0x00050001, 0x7FFF0000  # with EPERM, as the unit says


def restrict(names):
    libc, seccomp = ctypes.CDLL(None), ctypes.CDLL(ctypes.util.find_library("seccomp"))
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(FAIL)))
    for name in names:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        # Calls of other processors have negative numbers.
        if number >= 0 and seccomp.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), number, 0) != 0:
            raise OSError(f"no rule for {name}")
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or seccomp.seccomp_load(context):
        raise OSError("the filter cannot be loaded")
    libc.prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)


if __name__ == "__main__":
    restrict(Path(sys.argv[1]).read_text().split())
    os.execv(sys.argv[2], sys.argv[2:])
