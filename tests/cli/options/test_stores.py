"""The store of a command."""

from __future__ import annotations

import click
import pytest

from hourlyclicks.cli.options.stores import STORE_VARIABLE, StoreChoice, with_store


@click.command
@with_store
def probe(store: StoreChoice) -> StoreChoice:
    """Return what a command gets."""
    return store


def parse(*words: str) -> StoreChoice:
    """Return what a command gets from a command line."""
    choice: StoreChoice = probe.main(words, standalone_mode=False)
    return choice


def test_the_option_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the option the store of the environment is used."""
    with pytest.raises(click.UsageError, match=f"set {STORE_VARIABLE}"):
        parse().needed()
    monkeypatch.setenv(STORE_VARIABLE, "there.db")
    assert parse() == StoreChoice("there.db", None, by_option=False)
    assert parse("--store", "here.db", "--account-name", "x") == StoreChoice("here.db", "x", by_option=True)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:s3cret@db.example/clicks",
        "postgres://me:s3cret@a,b:5432/clicks",
        "postgresql://me:s3/c?r@et@db.example/clicks",
        "postgresql://db.example/clicks?password=s3cret",
        "postgresql:///clicks?user=me&sslPassword=s3cret",
    ],
)
def test_a_password_comes_from_the_environment_only(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an option it is an error, which does not quote it."""
    with pytest.raises(click.UsageError, match="arguments of a process") as caught:
        parse("--store", address)
    assert "s3" not in str(caught.value)
    monkeypatch.setenv(STORE_VARIABLE, address)
    assert parse().where == address


@pytest.mark.parametrize(
    "address", ["postgresql://me@db.example:5432/clicks", "postgresql:///clicks", "a:b@c.db"]
)
def test_an_address_without_a_password_may_be_an_option(address: str) -> None:
    """Neither a port nor an unusual file name is a password."""
    assert parse("--store", address).where == address
