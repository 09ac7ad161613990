"""What the CPU can do that changes how a model is best run on it."""

import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
X86 = frozenset({"x86_64", "amd64", "i386", "i686"})
VNNI = frozenset({"avx512_vnni", "avx_vnni"})


def can_overflow(machine: str | None = None, cpuinfo: Path = CPUINFO) -> bool:
    """Whether sums of int8 products may overflow: on x86 without VNNI, which adds pairs of them in 16 bits.

    Where the system does not tell, it may.
    """
    if (machine or platform.machine()).lower() not in X86:
        return False
    try:
        return not VNNI & set(cpuinfo.read_text().split())
    except OSError:
        return True
