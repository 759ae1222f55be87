import pytest
from django.test import AsyncClient, override_settings
from hourlyclicks import Link

import clicks

LINK = Link("kYdr", "https://vvd.bz")


@pytest.fixture
async def server(hourlyclicks_simulator, monkeypatch):
    """The simulator, with the application as its client."""
    async with hourlyclicks_simulator.client() as client:
        monkeypatch.setattr(clicks, "client", client)
        with override_settings(
            ALLOWED_HOSTS=["testserver"]
        ):  # pytest-django does this by itself
            yield hourlyclicks_simulator


async def test_two_days(server):
    server.figures = {
        (LINK, "2025-04-01"): {9: 5, 14: 12},
        (LINK, "2025-04-02"): {11: 3},
    }
    answer = await AsyncClient().get("/kYdr/2025-04-01/2025-04-02/")
    assert answer.json() == {"2025-04-01": 17, "2025-04-02": 3}


async def test_what_does_not_exist(server):
    server.known = [LINK]
    assert (await AsyncClient().get("/talk/2025-04-01/2025-04-02/")).status_code == 404
    assert (await AsyncClient().get("/kYdr/2025-04-01/yesterday/")).status_code == 400


async def test_while_the_server_ends(server):
    await clicks.client.close()
    answer = await AsyncClient().get("/kYdr/2025-04-01/2025-04-02/")
    assert answer.status_code == 503
