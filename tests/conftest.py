"""Fixtures that every test may ask for."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The recorded sets: TICKPACK_DATA, or ../shared/data beside the checkout."""
    folder = Path(os.environ.get("TICKPACK_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not (folder / "replay-l2-20230201").is_dir():
        pytest.skip(
            f"no recorded market data at {folder}; set TICKPACK_DATA to the folder that holds replay-l2-20230201"
        )
    return folder


@pytest.fixture
def redis_url() -> str:
    return os.environ["REDIS_URL"]
