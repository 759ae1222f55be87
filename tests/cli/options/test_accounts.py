"""The file that lists accounts: what it may say, and how mistakes in it are told."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Account, Group, Limits, Link, Plan, Rate, UsageError
from hourlyclicks.cli.options.accounts import AccountDefaults, read_accounts
from hourlyclicks.fleet import KeyRef

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.fleet import AccountJob

BZ = "https://vvd.bz"
CANARY = "canary-7d/1f+e0=9&ab<31>c5"
KEYED = 'name = "acme"\nkey-env = "ACME_KEY"\n'
"""What every account needs."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the file."""
    return tmp_path / "accounts.toml"


def read(path: Path, text: str, defaults: AccountDefaults | None = None) -> list[AccountJob]:
    """Read the accounts in a text; no warning is expected."""
    path.write_text(text, "utf-8")
    warnings: list[str] = []
    found = read_accounts(path, defaults or AccountDefaults(), warnings.append)
    assert warnings == []
    return found


def test_the_accounts_of_an_agency(path: Path) -> None:
    """What stands in front holds for all accounts that do not say it themselves."""
    (path.parent / "more.csv").write_text(f"link,domain,since\nx,{BZ},2025-02-01\n", "utf-8")
    acme, umbrella, initech = read(
        path,
        f"""
        domain = "{BZ}"
        plan = "business"
        start = 2025-01-01
        timezone = "Asia/Seoul"

        [[account]]
        name = "acme"
        key-env = "ACME_KEY"
        links = ["kYdr", "https://vvd.im/b%20c"]
        groups = [7, 12]
        account = true

        [[account]]
        name = "umbrella"
        key-file = "keys/umbrella"
        limits = ["24/60", "500/3600"]
        concurrency = 2
        targets = "more.csv"
        start = "2024-01-01"
        end = 2024-12-31
        timezone = "UTC"

        [[account]]
        name = "initech"
        key-call = "shop.secrets:key_of"
        plan = "Premium"
        targets = ["group 3", "account"]
        """.replace("\n        ", "\n"),
    )
    assert acme.targets == (Account(), Link("kYdr", BZ), Link("b c", "https://vvd.im"), Group(7), Group(12))
    assert (acme.key, acme.plan, acme.limits) == (KeyRef.env("ACME_KEY"), Plan.BUSINESS, None)
    assert (acme.start, acme.end, acme.timezone) == (dt.date(2025, 1, 1), None, "Asia/Seoul")
    assert umbrella.key == KeyRef.file(path.parent / "keys" / "umbrella")
    assert umbrella.plan is None
    assert umbrella.limits == Limits(rates=(Rate(24, 60.0), Rate(500, 3600.0)), concurrency=2)
    assert umbrella.since == {Link("x", BZ): dt.date(2025, 2, 1)}
    assert (umbrella.start, umbrella.end) == (dt.date(2024, 1, 1), dt.date(2024, 12, 31))
    assert initech.key == KeyRef.call("shop.secrets:key_of", "initech")
    assert (initech.plan, initech.targets) == (Plan.PREMIUM, (Group(3), Account()))


def test_what_the_command_line_says_holds_where_the_file_says_nothing(path: Path) -> None:
    """Plan and limits go together, and so do the first and the last day."""
    limits = Limits(rates=(Rate(5, 1.0),))
    defaults = AccountDefaults(limits=limits, start=dt.date(2025, 1, 1), end=dt.date(2025, 1, 31))
    text = f'[[account]]\n{KEYED}account = true\n[[account]]\nname = "b"\nkey-env = "B"\naccount = true\n'
    first, second = read(path, text + 'plan = "premium"\nstart = 2025-01-05\n', defaults)
    assert (first.plan, first.limits, first.start, first.end) == (None, limits, *dates("01-01", "01-31"))
    assert (second.plan, second.limits, second.start, second.end) == (
        Plan.PREMIUM,
        None,
        *dates("01-05"),
        None,
    )


def dates(*days: str) -> tuple[dt.date, ...]:
    """Return days of 2025."""
    return tuple(dt.date.fromisoformat(f"2025-{day}") for day in days)


def test_a_byte_order_mark_is_no_mistake(path: Path) -> None:
    """Windows writes one."""
    path.write_bytes(b"\xef\xbb\xbf" + f"[[account]]\n{KEYED}account = true\n".encode())
    assert len(read_accounts(path, AccountDefaults(), str)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", " names no accounts: write an [[account]] for each"),
        ("[account]\n", ": write [[account]], with two brackets"),
        ("account = [7]\n", ": write [[account]], with two brackets"),
        ("[[account]\n", ": Expected "),
        ("[[accounts]]\n", ": write [[account]] for each account, not accounts"),
        ("domains = 7\n[[account]]\n", ": 'domains' is no field; the fields are: "),
        ("[[account]]\n", ":1: account: it has no target: name links, groups, targets or account = true"),
        ("[[account]]\naccount = true\n", ":1: account: it has no name"),
        ("\n[[account]]\nname = 'a'\naccount = true\n", ":2: account 'a': it needs one of key-env, key-file"),
        (f"[[account]]\n{KEYED}", ":1: account 'acme': it has no target: name links"),
        (f"[[account]]\n{KEYED}account = 1\n", ":1: account 'acme': account: it is true, or is left out"),
        (f"[[account]]\n{KEYED}groups = ['7']\n", ":1: account 'acme': groups: write a list of numbers"),
        (f"[[account]]\n{KEYED}groups = [true]\n", ":1: account 'acme': groups: write a list of numbers"),
        (f"[[account]]\n{KEYED}links = 'a'\n", ":1: account 'acme': links: write a list of texts"),
        (f"[[account]]\n{KEYED}links = ['a']\n", ":1: account 'acme': links: the link 'a' has no domain"),
        (f"[[account]]\n{KEYED}targets = ['a']\n", ":1: account 'acme': targets: "),
        (f"[[account]]\n{KEYED}targets = 'none.csv'\n", "none.csv cannot be read: No such file or directory"),
        (
            f"[[account]]\n{KEYED}account = true\nplan = 'gold'\n",
            "account 'acme': plan: 'gold' is none of free,",
        ),
        (f"[[account]]\n{KEYED}account = true\nlimits = ['24']\n", "limits: '24' is not requests/seconds"),
        (f"[[account]]\n{KEYED}account = true\nlimits = []\n", "limits: write at least one, such as"),
        (f"[[account]]\n{KEYED}groups = [{'9' * 5_000}]\n", ": Exceeds the limit (4300 digits)"),
        (f"[[account]]\n{KEYED}account = true\nlimits = 7\n", "limits: 7 is not requests/seconds"),
        (
            f"[[account]]\n{KEYED}account = true\nlimits = '1/1'\nconcurrency = 0\n",
            "account 'acme': limits: Limits.concurrency must be a whole number from 1, not 0",
        ),
        (f"[[account]]\n{KEYED}account = true\nconcurrency = 2\n", "concurrency goes with limits"),
        (
            f"[[account]]\n{KEYED}account = true\nplan = 'free'\nlimits = '1/1'\n",
            "account 'acme': it has a plan and limits: write one of them",
        ),
        (f"[[account]]\n{KEYED}account = true\nstart = '1.1.2025'\n", "start: a day is written YYYY-MM-DD"),
        (f"[[account]]\n{KEYED}account = true\nend = 2025-01-01\n", "has a last day, and no first day"),
        (f"[[account]]\n{KEYED}account = true\ntimezone = 'Mars'\n", "account 'acme': "),
        (f"[[account]]\n{KEYED}account = true\ntimezone = 7\n", "timezone: it is text in quotes"),
        (
            f"[[account]]\n{KEYED}account = true\nstrat = 2025-01-01\n",
            "account 'acme': 'strat' is no field",
        ),
        (f"[[account]]\n{KEYED}account = true\nkey-file = 'x'\n", "it needs one of key-env, key-file"),
        (
            f"[[account]]\n{KEYED}account = true\n[[account]]\nname='acme'\nkey-env='B'\naccount=true\n",
            ":5: account 'acme': the name occurs before, in ",
        ),
        (
            f"[[account]]\n{KEYED}account = true\n[[account]]\nname='b'\nkey-env='ACME_KEY'\naccount=true\n",
            ":5: account 'b': it has the key of the account 'acme' (env:ACME_KEY), and the limits belong",
        ),
        ("account = [{name = 'a'}]", ": account 1 'a': it has no target"),
    ],
)
def test_mistakes_name_line_account_and_field(path: Path, text: str, said: str) -> None:
    """The error begins with the file."""
    with pytest.raises(UsageError) as caught:
        read(path, text)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path.parent))


@pytest.mark.parametrize("field", ["key", "api-key", "api_key", "apikey", "API_KEY", "secret", "token"])
@pytest.mark.parametrize("place", ["account", "common"])
def test_a_key_in_clear_is_refused(path: Path, field: str, place: str) -> None:
    """The sentence says what to write instead, and does not repeat the key."""
    line = f'{field} = "{CANARY}"\n'
    before, inside = (line, "") if place == "common" else ("", line)
    with pytest.raises(UsageError, match=f"{field} would hold an API key in clear") as caught:
        read(path, f'{before}[[account]]\nname = "a"\n{inside}account = true\n')
    assert CANARY not in str(caught.value)
    assert "key-env" in str(caught.value)


def test_a_key_in_the_place_of_its_variable_is_not_repeated(path: Path) -> None:
    """Somewhere the key may have been pasted into ``key-env``."""
    with pytest.raises(UsageError, match=r"key-env: KeyRef\.env takes the name") as caught:
        read(path, f'[[account]]\nname = "a"\nkey-env = "{CANARY}"\naccount = true\n')
    assert CANARY not in str(caught.value)


def test_a_file_that_cannot_be_read(path: Path) -> None:
    """It is missing, or in another encoding."""
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_accounts(path, AccountDefaults(), str)
    path.write_bytes('name = "Größe"'.encode("latin-1"))
    with pytest.raises(UsageError, match="is not written in UTF-8"):
        read_accounts(path, AccountDefaults(), str)


def test_a_plan_takes_the_place_of_limits_with_their_concurrency(path: Path) -> None:
    """What the file says of concurrency goes with its limits."""
    text = f'limits = "24/60"\nconcurrency = 2\n[[account]]\n{KEYED}account = true\n'
    (limited,) = read(path, text)
    assert (limited.plan, limited.limits) == (None, Limits(rates=(Rate(24, 60.0),), concurrency=2))
    (planned,) = read(path, text + 'plan = "premium"\n')
    assert (planned.plan, planned.limits) == (Plan.PREMIUM, None)


def test_what_may_be_a_slip_is_told(path: Path) -> None:
    """As for ``--targets``, with the place."""
    path.write_text(f'[[account]]\n{KEYED}links = ["{BZ}/a", "b,c"]\ndomain = "{BZ}"\n', "utf-8")
    warnings: list[str] = []
    read_accounts(path, AccountDefaults(), warnings.append)
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{path}:1: account 'acme': 'b,c' is taken as the id of one link")
