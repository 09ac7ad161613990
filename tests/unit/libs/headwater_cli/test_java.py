from pathlib import Path

import pytest
from headwater_cli.platform.java import find_java, parse_version
from headwater_kit.core.errors import Misconfigured


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('IMPLEMENTOR="x"\nJAVA_VERSION="17.0.15"\n', 17),
        ('JAVA_VERSION="25"\n', 25),
        ('openjdk version "21.0.2" 2024-01-16', 21),
        ('java version "1.8.0_402"', 8),
    ],
)
def test_versions(text: str, version: int) -> None:
    assert parse_version(text) == version


def _home(folder: Path, version: str) -> Path:
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\n')
    return folder


def test_java_home_is_used_when_set(tmp_path: Path) -> None:
    java = find_java(_home(tmp_path, "21.0.2"))
    assert (java.executable, java.version, java.origin) == (tmp_path / "bin" / "java", 21, "JAVA_HOME")


def test_an_old_java_home_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"Java 11.*unset it"):
        find_java(_home(tmp_path, "11.0.22"))


def test_a_java_home_without_java_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="JAVA_HOME"):
        find_java(tmp_path)


def test_the_packaged_java_is_new_enough() -> None:
    java = find_java(None)
    assert java.executable.is_file()
    assert java.version >= 17
