from __future__ import annotations

import pytest

from benchmarks.peers import wrk

SAID = """\
Running 1s test @ http://127.0.0.1:8000/
  1 threads and 10 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   241.11us  104.09us   3.13ms   93.27%
    Req/Sec    40.91k     2.18k   44.06k    63.64%
  44720 requests in 1.10s, 81.62MB read
Requests/sec:  40663.27
Transfer/sec:     74.21MB
"""


def test_the_rate_is_read() -> None:
    """It stands in a line of its own."""
    assert wrk.rate(SAID) == 40663.27


@pytest.mark.parametrize(
    "trouble",
    ["  Non-2xx or 3xx responses: 12", "  Socket errors: connect 0, read 3, write 0, timeout 0"],
)
def test_a_rate_of_errors_is_none(trouble: str) -> None:
    """Error answers and broken connections do not count."""
    with pytest.raises(wrk.WrkError, match=trouble.strip()):
        wrk.rate(f"{trouble}\n{SAID}")


def test_nothing_said_is_no_rate() -> None:
    """Output that cannot be read is not zero."""
    with pytest.raises(wrk.WrkError, match="no rate"):
        wrk.rate("")


def test_without_wrk_there_is_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The remark says how to install wrk."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(wrk.WrkError, match="not installed"):
        wrk.ask("http://127.0.0.1:9", concurrency=1, seconds=1, core=None)
