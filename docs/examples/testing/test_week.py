import datetime as dt

import pytest
from hourlyclicks import Link

LINK = Link("kYdr", "https://vvd.bz")


@pytest.fixture
def hourlyclicks_simulator_options():
    return {"plan": "business", "today": dt.date(2025, 6, 30), "timezone": "Asia/Seoul"}


async def test_a_week(hourlyclicks_simulator):
    async with hourlyclicks_simulator.client() as client:
        series = await client.fetch("2025-06-24", "2025-06-30", LINK)
    assert series == hourlyclicks_simulator.truth(LINK, "2025-06-24", "2025-06-30")
    assert series.provisional_days == (dt.date(2025, 6, 30),)  # today is not over
