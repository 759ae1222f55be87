"""References to keys: they find the key where it is, and show nothing of it."""

from __future__ import annotations

import asyncio
import copy
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import UsageError
from hourlyclicks.fleet import KeyRef

if TYPE_CHECKING:
    from pathlib import Path

KEY = "canary-7d/1f+e0=9&ab<31>c5"


def key_of(name: str) -> str:
    """Return a key, as a function of a user does."""
    return f"{name}-{KEY}"


async def key_of_vault(name: str, version: int) -> str:
    """Return a key, as an async function of a user does."""
    await asyncio.sleep(0)
    return f"{name}-{version}-{KEY}"


def failing() -> str:
    """Raise an error that repeats the key."""
    raise LookupError(KEY)


def numbering() -> int:
    """Return no text."""
    return 7


def refusing() -> str:
    """Raise an error of this package."""
    raise UsageError("the vault is sealed")


NOT_CALLABLE = 7


def key(ref: KeyRef) -> str:
    """Return the key of a reference."""
    return asyncio.run(ref.key())


def test_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is around the key is taken away, as for ``HOURLYCLICKS_API_KEY``."""
    monkeypatch.setenv("ACME_KEY", f" '{KEY}'\n")
    assert key(KeyRef.env("ACME_KEY")) == KEY


def test_a_file(tmp_path: Path) -> None:
    """It may be named by a text or a path; one that others can read is refused."""
    path = tmp_path / "acme"
    path.write_text(KEY + "\n", "utf-8")
    path.chmod(0o600)
    assert key(KeyRef.file(path)) == key(KeyRef.file(str(path))) == KEY
    path.chmod(0o644)
    with pytest.raises(UsageError, match="others can read the key file"):
        key(KeyRef.file(path))


def test_a_function() -> None:
    """An ordinary function is called, an async one is awaited; arguments are texts and numbers."""
    assert key(KeyRef.call(f"{__name__}:key_of", "acme")) == f"acme-{KEY}"
    assert key(KeyRef.call(f"{__name__}:key_of_vault", "acme", 3)) == f"acme-3-{KEY}"


def test_the_text_is_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of a store is no key, and is not checked like one."""
    monkeypatch.setenv("CLICKS_STORE", "postgresql://db/clicks with blanks")
    assert asyncio.run(KeyRef.env("CLICKS_STORE").text()) == "postgresql://db/clicks with blanks"


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        (KeyRef.env("NO_SUCH_KEY"), "the environment variable NO_SUCH_KEY is not set"),
        (KeyRef.file("/no/such/file"), "the key file /no/such/file cannot be read: No such file"),
        (KeyRef.call("no.such.module:f"), "call:no.such.module:f cannot be imported"),
        (KeyRef.call(f"{__name__}:nothing"), "cannot be imported"),
        (KeyRef.call(f"{__name__}:NOT_CALLABLE"), "is no function"),
        (KeyRef.call(f"{__name__}:numbering"), "returned int, and no text"),
        (KeyRef.call(f"{__name__}:failing"), "failed: LookupError"),
        (KeyRef.call(f"{__name__}:refusing"), "the vault is sealed"),
    ],
    ids=str,
)
def test_a_key_that_is_not_there(ref: KeyRef, said: str) -> None:
    """The error names the reference; the message of a foreign exception is left out."""
    with pytest.raises(UsageError) as caught:
        key(ref)
    assert said in str(caught.value)
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["", "ACME KEY", "1ACME", "ACME-KEY", KEY, "Ä", None, 7])
def test_what_is_no_variable(name: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """It may be the key itself, so it is not repeated."""
    with pytest.raises(UsageError) as caught:
        KeyRef.env(name)
    assert str(caught.value) == "KeyRef.env takes the name of an environment variable, such as 'ACME_KEY'"


@pytest.mark.parametrize("name", ["", "shop.secrets", "shop.secrets:", ":f", "a b:c", "a:b()", None])
def test_what_is_no_function(name: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """A function is named with its module."""
    with pytest.raises(UsageError, match=r"KeyRef\.call takes 'module:function'"):
        KeyRef.call(name)


@pytest.mark.parametrize("arg", [1.5, True, None, b"x", ("a",)])
def test_what_is_no_argument(arg: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """Arguments are texts and whole numbers, which any engine can carry."""
    with pytest.raises(UsageError, match=r"arguments of KeyRef\.call"):
        KeyRef.call("shop.secrets:key_of", arg)


def test_an_empty_path_is_none() -> None:
    """As of a variable that is not set."""
    with pytest.raises(UsageError, match="the path of a key file is empty"):
        KeyRef.file("")


REFS = {
    "KeyRef.env('ACME_KEY')": KeyRef.env("ACME_KEY"),
    "KeyRef.file('/run/secrets/acme')": KeyRef.file("/run/secrets/acme"),
    "KeyRef.call('shop.secrets:key_of', 'acme', 3)": KeyRef.call("shop.secrets:key_of", "acme", 3),
}


@pytest.mark.parametrize("shown", REFS)
def test_a_reference_travels(shown: str) -> None:
    """It can be pickled, copied, compared and hashed, and its repr makes it again."""
    ref = REFS[shown]
    assert repr(ref) == shown
    assert {pickle.loads(pickle.dumps(ref)), copy.deepcopy(ref), ref} == {ref}  # noqa: S301 - ours


def test_a_reference_in_words() -> None:
    """Messages have it in one word."""
    assert [str(ref) for ref in REFS.values()] == [
        "env:ACME_KEY",
        "file:/run/secrets/acme",
        "call:shop.secrets:key_of('acme', 3)",
    ]
