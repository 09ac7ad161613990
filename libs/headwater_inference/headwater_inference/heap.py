"""The C library's heap, told to keep what a run frees for the next one."""

import ctypes

# Of glibc's malloc.h. The first is the largest that it takes.
_MMAP_THRESHOLD, _MMAP_BYTES = -3, 32 * 1024 * 1024
_TRIM_THRESHOLD, _TRIM_BYTES = -1, 256 * 1024 * 1024


def keep_freed_memory() -> bool:
    """Lets the process keep up to 256 MiB a heap that it has freed; whether the C library could be told.

    A text of 200 tokens or more frees tens of MB at its end. glibc would give them
    back and the next run would fault them in again, page by page, which is a good
    part of the time that the run takes. Others than glibc are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return all(mallopt(which, size) for which, size in ((_MMAP_THRESHOLD, _MMAP_BYTES), (_TRIM_THRESHOLD, _TRIM_BYTES)))
