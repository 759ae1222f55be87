"""Which store and which account a command reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hourlyclicks import StoreError, UsageError
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.steps.stores import account_to_fill, accounts, looking_into, one_account
from hourlyclicks.simulator import DEFAULT_KEY
from tests.cli.filled_stores import LINK, answer, days, empty, fill

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.store import StoredAccount

DAY = answer(days("2025-04-01", 1)[0])


def number(account: StoredAccount | None) -> int | None:
    """Return the number of an account."""
    return None if account is None else account.number


@pytest.mark.parametrize("content", [None, b""])
async def test_looking_makes_no_store(tmp_path: Path, content: bytes | None) -> None:
    """A missing file is not made, and an empty one stays empty."""
    path = tmp_path / "none.db"
    if content is not None:
        path.write_bytes(content)
    choice = StoreChoice(str(path), None, by_option=True)
    assert not choice.exists
    with pytest.raises(StoreError, match="there is no store"):
        async with looking_into(choice):
            pass
    assert not choice.exists
    assert [file.stat().st_size for file in tmp_path.iterdir()] == ([] if content is None else [0])  # noqa: ASYNC240 - nothing else runs


@pytest.fixture
def several(tmp_path: Path) -> StoreChoice:
    """A store with three accounts: two of keys, one with a name."""
    path = tmp_path / "clicks.db"
    fill(path, LINK, [DAY], key="another-key")
    fill(path, LINK, [DAY])
    fill(path, LINK, [DAY], account="news")
    return StoreChoice(str(path), None, by_option=True)


async def test_accounts_are_found_by_name_and_by_fingerprint(several: StoreChoice) -> None:
    """The beginning of a fingerprint is enough; looking makes no account."""
    async with looking_into(several) as store:
        known = await accounts(store, None)
        assert [each.number for each in known] == [1, 2, 3]
        third = known[2].fingerprint
        assert [each.number for each in await accounts(store, "news")] == [3]
        assert [each.fingerprint for each in await accounts(store, third[:8])] == [third]
        for name in ("olds", third[:7], "0" * 8):
            with pytest.raises(UsageError, match=third[:8]):
                await accounts(store, name)
        assert [each.fingerprint for each in await store.accounts()] == [each.fingerprint for each in known]


async def test_one_of_several_accounts_must_be_named(
    several: StoreChoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The named one, the only one, or that of the key; otherwise the error says what to do."""
    monkeypatch.delenv("HOURLYCLICKS_API_KEY", raising=False)
    async with looking_into(several) as store:
        assert number(await one_account(store, "news")) == 3
        with pytest.raises(UsageError, match="--account-name"):
            await one_account(store, None)
        with pytest.raises(UsageError, match="--account-name"):
            await account_to_fill(store, None)
        monkeypatch.setenv("HOURLYCLICKS_API_KEY", DEFAULT_KEY)
        assert number(await one_account(store, None)) == 2
        assert number(await account_to_fill(store, None)) == 2


@pytest.fixture
def single(tmp_path: Path) -> StoreChoice:
    """A store with one account."""
    fill(tmp_path / "clicks.db", LINK, [DAY])
    return StoreChoice(str(tmp_path / "clicks.db"), None, by_option=True)


async def test_an_account_that_is_yet_to_come_is_none(
    single: StoreChoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new key or name has no account yet; without a key the only account is taken."""
    async with looking_into(single) as store:
        monkeypatch.setenv("HOURLYCLICKS_API_KEY", "a-new-key")
        assert await account_to_fill(store, None) is None
        assert await account_to_fill(store, "news") is None
        assert number(await one_account(store, None)) == 1
        monkeypatch.delenv("HOURLYCLICKS_API_KEY")
        assert number(await account_to_fill(store, None)) == 1


@pytest.fixture
def empty_store(tmp_path: Path) -> StoreChoice:
    """An empty store."""
    return StoreChoice(str(empty(tmp_path / "clicks.db")), None, by_option=True)


async def test_an_empty_store_has_no_accounts(empty_store: StoreChoice) -> None:
    """It has no account, and a name is unknown."""
    async with looking_into(empty_store) as store:
        assert await one_account(store, None) is None
        with pytest.raises(UsageError, match="it is empty"):
            await accounts(store, "news")
