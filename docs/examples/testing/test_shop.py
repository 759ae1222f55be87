import pytest
from fastapi.testclient import TestClient
from hourlyclicks import Link
from hourlyclicks.simulator import Rule, Script, Status

from shop import make_app

LINK = Link("kYdr", "https://vvd.bz")


@pytest.fixture
def browser(hourlyclicks_simulator):
    with TestClient(make_app(hourlyclicks_simulator.client)) as browser:
        yield browser


def test_the_peak_of_a_day(browser, hourlyclicks_simulator):
    hourlyclicks_simulator.figures = {(LINK, "2025-04-01"): {9: 5, 14: 12}}
    assert browser.get("/links/kYdr/2025-04-01").json() == {"hour": 14, "clicks": 12}
    assert hourlyclicks_simulator.counters.requests == 1


def test_a_link_that_does_not_exist(browser, hourlyclicks_simulator):
    hourlyclicks_simulator.known = [LINK]
    assert browser.get("/links/kYdr/2025-04-01").status_code == 200
    assert browser.get("/links/talk/2025-04-01").status_code == 404


def test_an_error_that_passes(browser, hourlyclicks_simulator):
    hourlyclicks_simulator.faults = Script(Rule(Status(503), times=1))
    assert browser.get("/links/kYdr/2025-04-01").status_code == 200
    assert hourlyclicks_simulator.counters.statuses == {503: 1, 200: 1}
