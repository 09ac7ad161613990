"""How much of a core a thread gets while others want it."""

import os
import sys
import threading

# The scheduler's weight falls by a quarter a step: at 10 a thread gets a tenth of what one at 0 gets, so it stands back
# at once and yet is never starved (`sched_prio_to_weight` in Linux's kernel/sched/core.c).
BULK_NICE = 10


def stand_back() -> None:
    """Lets the calling thread run where no other wants the core, and for a tenth of the time where one does.

    There is no way back for a thread without privileges. Linux alone has a priority by thread; elsewhere this does
    nothing.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(BULK_NICE, os.getpriority(os.PRIO_PROCESS, thread)))
