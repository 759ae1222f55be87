from yarl import URL

from hourlyclicks.model.http import Request, Response


def test_a_request_does_not_print_its_headers() -> None:
    """The headers hold the key, so neither repr nor str shows them."""
    request = Request(URL("https://vivoldi.com/api"), {"Authorization": "APIKey canary"})
    assert "https://vivoldi.com/api" in repr(request)
    assert "canary" not in repr(request) + str(request)


def test_a_response_prints_its_status_only() -> None:
    """Body and headers of a response may be long, or hold what is nobody's business."""
    response = Response(200, {"Set-Cookie": "canary"}, b"canary")
    assert repr(response) == "Response(status=200)"
