"""The generated code is what the protos say, and asks for runtimes that can run it."""

import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from architecture.house import MEMBERS, ROOT

GENERATED = ROOT / "libs/headwater_protos"
SOURCES = sorted(path.relative_to(ROOT / "protos").as_posix() for path in (ROOT / "protos").rglob("*.proto"))
(PROTOS,) = (member for member in MEMBERS if member.package == "headwater")


def test_generated_code_is_current(tmp_path: Path) -> None:
    tools = Path(sys.executable).parent
    subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'protos'}"),
            f"-I{resources.files('grpc_tools') / '_proto'}",
            *(f"--plugin={tools / f'protoc-gen-{plugin}'}" for plugin in ("mypy", "mypy_grpc")),
            *(f"--{kind}_out={tmp_path}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")),
            *SOURCES,
        ],
        check=True,
    )
    fresh = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*_pb2*")}
    generated = [path for pattern in ("*_pb2*.py", "*_pb2*.pyi") for path in GENERATED.rglob(pattern)]
    committed = {path.relative_to(GENERATED): path.read_text() for path in generated}
    stale = sorted(str(path) for path in fresh.keys() | committed.keys() if fresh.get(path) != committed.get(path))
    assert stale == [], "run `make protos`"


@pytest.mark.parametrize(
    ("package", "files", "pattern"),
    [
        ("grpcio", "*_pb2_grpc.py", r"GRPC_GENERATED_VERSION = '([\d.]+)'"),
        ("protobuf", "*_pb2.py", r"Protobuf Python Version: ([\d.]+)"),
    ],
)
def test_the_least_runtime_asked_for_can_run_the_generated_code(package: str, files: str, pattern: str) -> None:
    needed = {
        tuple(int(part) for part in match[1].split("."))
        for path in GENERATED.rglob(files)
        for match in re.finditer(pattern, path.read_text())
    }
    (floor,) = [
        tuple(int(part) for part in match[1].split("."))
        for dependency in PROTOS.dependencies
        if (match := re.match(rf"{package}>=([\d.]+)", dependency))
    ]
    assert needed
    assert floor >= max(needed)
