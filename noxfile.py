"""The project's checks, one session each; ``nox`` runs all but the benchmarks.

With ``--force-venv-backend none`` they run in the environment nox itself is installed in, as CI does.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "docs"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13"]

PEERS = {
    "httpx": "httpx>=0.28.1",
    "niquests": "niquests>=3.16",
    "requests": "requests>=2.32.4",
    "dlt": "dlt>=1.21",
    "airbyte": "airbyte-cdk>=7.5",
}
"""What the contenders of ``benchmarks/peers/contenders.py`` need, by the names of their environments."""

RECIPES = {
    "datasette>=0.65": "tests/store/test_sql_page.py",
    "dlt>=1.21": "tests/scanning/test_recipes.py",
}
"""Programs that recipes of the documentation are for, and the tests that run these."""

DIST = Path("dist")
"""Where a release is built."""

OF_USERS = ("README.md", "docs", "tests/client", "tests/cli", "tests/model", "tests/simulator", "tests/store")
"""Tests of what is installed: the examples of the documentation, the client, the commands, values and stores.

The other tests look into the checkout, or at parts that are tested by these as well.
"""

SITE = "docs/_build/html"
"""Where the documentation is built."""

SOURCES = ("hourlyclicks", "tests", "benchmarks", "docs", "conftest.py", "noxfile.py")


def install(session: nox.Session, *what: str) -> None:
    """Install into the session's own environment; in a borrowed one, everything is there already."""
    if session.venv_backend != "none":
        session.install(*what)


@nox.session
def lint(session: nox.Session) -> None:
    """Look for mistakes and foreign formatting."""
    install(session, "-e", ".[dev]")
    session.run("ruff", "check", *SOURCES)
    session.run("ruff", "format", "--check", *SOURCES)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    install(session, "-e", ".[dev]")
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, the examples in the documentation among them."""
    install(session, "-e", ".[test]")
    session.run("pytest", "-n", "auto", "--cov", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error. Then test the site, in Chromium if there is one."""
    install(session, "-e", ".[docs,test]")  # the fixtures for users import pytest
    session.run("sphinx-build", "-W", "--keep-going", "-q", "docs", SITE, *session.posargs)
    session.run("pytest", "-q", "tests/site", env={"HOURLYCLICKS_TESTS_SITE": SITE})


@nox.session
def release(session: nox.Session) -> None:
    """Build a wheel and an sdist, check them, and test the wheel in a fresh environment of each Python."""
    session.install("build", "check-wheel-contents", "twine")
    shutil.rmtree(DIST, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(DIST))
    session.run("twine", "check", "--strict", *(str(path) for path in sorted(DIST.iterdir())))
    (built,) = DIST.glob("*.whl")
    session.run("check-wheel-contents", "--package", "hourlyclicks", str(built))
    for python in PYTHONS:
        session.notify(f"wheel-{python}", posargs=session.posargs)


@nox.session(python=PYTHONS, reuse_venv=False)
def wheel(session: nox.Session) -> None:
    """Test the wheel that `release` has built, with the tests of the sdist and without the package in it."""
    (built,) = DIST.resolve().glob("*.whl")
    session.install(str(built))
    version = built.name.split("-")[1]
    script = Path(".ci", "installed.py").resolve()
    folder = Path(session.create_tmp()).resolve()
    shutil.rmtree(folder)
    with tarfile.open(DIST / f"hourlyclicks-{version}.tar.gz") as sdist:
        sdist.extractall(folder, filter="data")
    root = folder / f"hourlyclicks-{version}"
    shutil.rmtree(root / "hourlyclicks")
    session.chdir(root)
    session.run("python", str(script), version)
    session.install(f"{built}[test]")
    session.run("pytest", "-q", "-n", "auto", "-p", "no:cacheprovider", *(session.posargs or OF_USERS))


@nox.session
def recipes(session: nox.Session) -> None:
    """Run the recipes for Datasette and dlt; elsewhere their tests are skipped."""
    install(session, "-e", ".[test]", *RECIPES)
    session.run("pytest", *RECIPES.values(), *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks, all of them if no arguments follow: ``nox -s bench -- --quick --only micro``."""
    install(session, "-e", ".[bench]")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
@nox.parametrize("requirement", list(PEERS.values()), ids=list(PEERS))
def peers(session: nox.Session, requirement: str) -> None:
    """Make the environments of the peers with many dependencies, about 500 MB: ``nox -s peers bench``."""
    session.install(requirement)
