"""The address of the API, and proxies on the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from hourlyclicks.cli.app import app
from hourlyclicks.errors import UsageError
from hourlyclicks.transport.aiohttp import AiohttpTransport
from tests.cli.serving import APRIL, LINK

FETCH = ("fetch", *LINK, *APRIL, "--base-url", "https://127.0.0.1:1", "--fail-fast")


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The proxies of the transports that are made; the environment names none at first."""
    found: list[str | None] = []
    make = AiohttpTransport.__init__

    def made(self: AiohttpTransport, *args: object, proxy: str | None = None, **options: object) -> None:
        found.append(proxy)
        make(self, *args, proxy=proxy, **options)  # type: ignore[arg-type]  # passed through

    async def send(*_: object) -> None:
        raise UsageError("nothing is sent", fatal=True)

    monkeypatch.setattr(AiohttpTransport, "__init__", made)
    monkeypatch.setattr(AiohttpTransport, "send", send)
    monkeypatch.setenv("HOURLYCLICKS_API_KEY", "simulated-key-4f9a1c07d2e85b36")
    for name in ("https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return found


def test_a_proxy_of_the_environment_is_used(
    proxies: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS_PROXY is used, and its password is in no message."""
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:secret@127.0.0.1:1")
    done = CliRunner().invoke(app, FETCH)
    assert proxies == ["http://ann:secret@127.0.0.1:1"]
    assert done.exit_code == 2
    assert "secret" not in done.output


def test_a_proxy_may_be_an_option(proxies: list[str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    """`--proxy` comes before the environment."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:2")
    CliRunner().invoke(app, (*FETCH, "--proxy", "http://127.0.0.1:1"))
    assert proxies == ["http://127.0.0.1:1"]


def test_an_exempt_host_goes_without(proxies: list[str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts in NO_PROXY are reached without the proxy."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:2")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    CliRunner().invoke(app, FETCH)
    assert proxies == [None]


@pytest.mark.parametrize(
    ("option", "environment", "told"),
    [
        ("http://ann:secret@127.0.0.1:1", "", "set HTTPS_PROXY"),
        ("nonsense", "", "proxy begins with http://"),
        (None, "socks5://ann:secret@127.0.0.1:1", "HTTPS_PROXY or ALL_PROXY cannot be used: a SOCKS proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used(
    option: str | None,
    environment: str,
    told: str,
    proxies: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wrong proxy, or one with a visible password, is an error before a request, and not quoted."""
    monkeypatch.setenv("HTTPS_PROXY", environment)
    done = CliRunner().invoke(app, FETCH if option is None else (*FETCH, "--proxy", option))
    assert (done.exit_code, proxies) == (2, [])
    assert told in " ".join(done.output.split())
    assert "secret" not in done.output
