"""The contenders that take part over TLS do the work there, and verify the server."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("trustme")  # it comes with the extra for benchmarks

from benchmarks.peers.contenders import CONTENDERS, command
from benchmarks.processes import ROOT, variables
from tests.sizes import sample

if TYPE_CHECKING:
    from pathlib import Path


NAMES = [name for name, contender in CONTENDERS.items() if contender.tls]


@pytest.mark.parametrize("name", sample(NAMES, 2))
def test_a_contender_verifies_the_server(nginx_with_tls: tuple[str, Path], name: str) -> None:
    """The work is done, and checked, if the authority is known, and not otherwise."""
    base, authority = nginx_with_tls
    words = command(name, base, days=20, concurrency=3)
    known = variables(SSL_CERT_FILE=str(authority))
    subprocess.run(words, check=True, cwd=ROOT, env=known, stdout=subprocess.DEVNULL)  # noqa: S603 - a module of ours
    done = subprocess.run(words, check=False, cwd=ROOT, env=variables(), capture_output=True)  # noqa: S603 - as above
    assert done.returncode == 1
    assert b"certificate" in done.stderr
