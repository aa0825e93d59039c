"""The key that states are hashed with."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from opskit.core.errors import OutsideError
from opskit.fleet.execute import hash_key


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    key = hash_key(tmp_path)
    assert len(key) == 32
    assert hash_key(tmp_path) == key
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_runs_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(hash_key, [tmp_path] * 32))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["hash.key"]


def test_a_full_disk_leaves_no_empty_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("opskit.outside.files.os.fsync", full)
        with pytest.raises(OutsideError, match="no space left"):
            hash_key(tmp_path)
    assert not list(tmp_path.iterdir())
    assert len(hash_key(tmp_path)) == 32
