from pathlib import Path

import pytest
from headwater_inference.cpu import can_overflow


@pytest.mark.parametrize(
    ("machine", "flags", "expected"),
    [
        ("x86_64", "fpu avx2 avx512f", True),
        ("x86_64", "fpu avx512f avx512_vnni", False),
        ("AMD64", "fpu avx2 avx_vnni", False),
        ("aarch64", "fp asimd", False),
    ],
)
def test_only_x86_without_vnni_may_overflow(tmp_path: Path, machine: str, flags: str, expected: bool) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : {flags}\n")
    assert can_overflow(machine, tmp_path / "cpuinfo") is expected


def test_where_the_system_does_not_tell_it_may(tmp_path: Path) -> None:
    assert can_overflow("x86_64", tmp_path / "none")
