from unittest.mock import patch

from django.test import AsyncClient, SimpleTestCase
from hourlyclicks import Link
from hourlyclicks.simulator import Simulator

LINK = Link("kYdr", "https://vvd.bz")


class ByDayTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.enterClassContext(Simulator.in_thread(limits=()))

    def setUp(self):
        self.server.reset()

    async def test_two_days(self):
        self.server.figures = {
            (LINK, "2025-04-01"): {9: 5},
            (LINK, "2025-04-02"): {11: 3},
        }
        async with self.server.client() as client:
            with patch("clicks.client", client):
                answer = await AsyncClient().get("/kYdr/2025-04-01/2025-04-02/")
        self.assertEqual(answer.json(), {"2025-04-01": 5, "2025-04-02": 3})
        self.assertEqual(self.server.counters.requests, 2)
