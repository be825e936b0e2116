"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real corpora: HOMESPUN_TEST_DATA, or the shared one beside the repository."""
    folder = Path(os.environ.get("HOMESPUN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real corpora at {folder}: set HOMESPUN_TEST_DATA")
    return folder
