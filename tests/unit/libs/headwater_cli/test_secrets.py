"""The platform's secrets: made once, its owner's alone."""

from pathlib import Path

from headwater_cli.platform.layout import Layout
from headwater_cli.platform.secrets import pseudonym_key


def test_the_key_of_pseudonyms_is_made_once_and_kept(tmp_path: Path) -> None:
    key = pseudonym_key(Layout(tmp_path))
    assert len(key) == 64
    assert pseudonym_key(Layout(tmp_path)) == key
    assert pseudonym_key(Layout(tmp_path / "other")) != key
    (file,) = tmp_path.glob("feedback/*")
    assert file.stat().st_mode & 0o777 == 0o600
