from collections.abc import Iterable
from typing import get_type_hints

import attrs
import pytest
from yarl import URL

from hourlyclicks.model.http import Request, Response


def test_a_request_does_not_print_its_headers() -> None:
    """The headers hold the key, so neither repr nor str shows them."""
    request = Request(URL("https://vivoldi.com/api"), {"Authorization": "APIKey canary"})
    assert "https://vivoldi.com/api" in repr(request)
    assert "canary" not in repr(request) + str(request)


def test_a_response_prints_its_status_only() -> None:
    """Body and headers of a response, which may be long or secret, are not in its repr."""
    response = Response(200, {"Set-Cookie": "canary"}, b"canary")
    assert repr(response) == "Response(status=200)"


@pytest.mark.parametrize("what", [Request(URL("/"), {}), Response(200, {}, b"")])
def test_a_response_is_no_sequence(what: object) -> None:
    """Loggers that iterate over values would show what is not printed."""
    assert not isinstance(what, Iterable)


@pytest.mark.parametrize("kind", [Request, Response])
def test_the_types_of_a_transport_can_be_resolved(kind: type) -> None:
    """The annotations can be resolved."""
    assert len(get_type_hints(kind)) == len(attrs.fields(kind))


@pytest.mark.parametrize("query", ["", "linkId=%ED%95%9C%2B"])
@pytest.mark.parametrize("parameters", ["ymd=2025-04-20", "regStartYmdt=2025-04-20%2000%3A00%3A00&pages=1"])
def test_parameters_are_sent_as_they_are(query: str, parameters: str) -> None:
    """What is ready to be sent is not escaped once more, whichever way the request takes."""
    url = URL.build(scheme="https", host="api.example", path="/x", query_string=query, encoded=True)
    request = Request(url, {}, parameters=parameters)
    assert request.url.raw_path_qs == request.target == "/x?" + "&".join(filter(None, [query, parameters]))
