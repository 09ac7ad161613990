"""What a run frees is there for the next one."""

import platform
import subprocess
import sys

import pytest
from headwater_inference.heap import keep_freed_memory

# What a run does as far as the heap is concerned: blocks of some MB, all freed in the end.
RUNS = """
import resource, sys
from headwater_inference.heap import keep_freed_memory
import ctypes
if "keep" in sys.argv:
    keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
def run():
    blocks = [libc.malloc(4_000_000) for _ in range(8)]
    for block in blocks:
        ctypes.memset(block, 1, 4_000_000)
    for block in blocks:
        libc.free(block)
for _ in range(3):
    run()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    run()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*words: str) -> int:
    """Page faults of five runs in a process of their own."""
    return int(subprocess.run([sys.executable, "-c", RUNS, *words], capture_output=True, check=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the settings")
def test_pages_are_kept() -> None:
    assert keep_freed_memory()
    assert faults("keep") < 100
    assert faults() > 10_000
