"""No word of a command line is ignored."""

from __future__ import annotations

import click
import pytest

from hourlyclicks.cli.options.strict import takes_one
from tests.cli.every_command import WITH_OPTIONS
from tests.cli.serving import APRIL, invoke
from tests.sizes import sample

OPTIONS = [
    (name, spelling)
    for name, command in WITH_OPTIONS.items()
    for parameter in command.params
    if isinstance(parameter, click.Option) and takes_one(parameter)
    for spelling in parameter.opts
]


@pytest.mark.parametrize(("name", "option"), sample(OPTIONS, 60))
def test_an_option_that_takes_one_value_is_given_once(name: str, option: str) -> None:
    """Given twice, with the same or another value, it is an error that names it, in every command."""
    parameter = next(each for each in WITH_OPTIONS[name].params if option in each.opts)
    for value in ("one", "two"):
        result = invoke(*name.split(), option, "one", max(parameter.opts, key=len), value)
        assert result.exit_code == 2
        assert f"Error: {max(parameter.opts, key=len)} is given twice" in result.stderr


def test_most_options_take_one_value() -> None:
    """The test above covers the options of all commands, in all their spellings, if it is thorough."""
    assert {name for name, _ in OPTIONS} == set(WITH_OPTIONS)
    assert {("fetch", "-o"), ("fetch", "--output"), ("simulate", "--port")} <= set(OPTIONS)
    repeatable = {
        option
        for command in WITH_OPTIONS.values()
        for parameter in command.params
        if parameter.multiple
        for option in parameter.opts
    }
    assert repeatable == {"--link", "--group", "--limit"}


@pytest.mark.parametrize("words", [("--from=2025-04-01",), ("--from", "2025-04-02"), ("--to=2025-04-30",)])
def test_a_value_behind_an_equals_sign_is_a_value(words: tuple[str, ...]) -> None:
    """A value may follow an equals sign."""
    result = invoke("estimate", *APRIL, *words)
    assert result.exit_code == 2
    assert "is given twice, and takes one value" in result.stderr


def test_a_flag_may_be_repeated() -> None:
    """It has the same meaning."""
    assert invoke("estimate", *APRIL, "--account", "--account").exit_code == 0


def test_help_is_shown_despite_mistakes() -> None:
    """It is, also after a mistake."""
    result = invoke("fetch", "--last", "3d", "--last", "4d", "--help")
    assert result.exit_code == 0
    assert "--last" in result.stdout
