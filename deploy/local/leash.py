"""Ties a program we start to our own life, so that a killed demo or test run leaves nothing running behind it."""

import os
import sys
import threading

# A program in between, and not subprocess's preexec_fn, which may deadlock once this process has threads. It becomes
# the command by exec, so the process id stays. The parent is asked for again, as it may be gone before prctl is heard.
_LEASH = """
import ctypes, os, signal, sys
parent, *command = sys.argv[1:]
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() == int(parent):
    os.execv(command[0], command)
"""


def leashed(command: list[str]) -> list[str]:
    """Returns a command that does the same and, on Linux, is killed by the kernel when this process ends in any way.

    `command[0]` is a full path. The kernel means the thread that starts the child, not the process: started from
    another thread than the main one the command stays as it is, or it would die with that thread.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return command
    return [sys.executable, "-I", "-S", "-c", _LEASH, str(os.getpid()), *command]
