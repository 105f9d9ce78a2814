"""Ties a program we start to our own life, so that a killed demo or test run leaves nothing running behind it."""

import os
import sys
import threading
from dataclasses import dataclass

# A program in between, and not subprocess's preexec_fn, which may deadlock once this process has threads. It becomes
# the command by exec, so the process id stays. The parent is asked for again, as it may be gone before prctl is heard.
# The account is taken on here and not by subprocess: it need not be able to reach our Python. It comes before prctl,
# which the kernel forgets when the account changes.
_LEASH = """
import ctypes, os, signal, sys
parent, account, *command = sys.argv[1:]
PR_SET_PDEATHSIG = 1
library = ctypes.CDLL(None)
if account:
    uid, gid = map(int, account.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
if parent:
    library.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if not parent or os.getppid() == int(parent):
    os.execv(command[0], command)
"""


@dataclass(frozen=True)
class Account:
    """A user of this machine, by numbers."""

    uid: int
    gid: int


def leashed(command: list[str], account: Account | None = None) -> list[str]:
    """Returns a command that does the same and, on Linux, is killed by the kernel when this process ends in any way.

    `command[0]` is a full path. The kernel means the thread that starts the child, not the process: started from
    another thread than the main one it is not tied, or it would die with that thread. With an account, which only
    root may give, it runs as that user.
    """
    is_tied = sys.platform == "linux" and threading.current_thread() is threading.main_thread()
    if not is_tied and account is None:
        return command
    parent = str(os.getpid()) if is_tied else ""
    user = f"{account.uid}:{account.gid}" if account else ""
    return [sys.executable, "-I", "-S", "-c", _LEASH, parent, user, *command]
