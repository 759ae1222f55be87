"""A command that drops no word of its command line: an option that takes one value is given once."""

from __future__ import annotations

from collections import Counter

import click


class StrictCommand(click.Command):
    """A command that refuses an option given twice, unless it may be repeated.

    Of two values one would be dropped silently, whether they differ or not. A flag may be repeated:
    it means the same. The environment is no second value: an option stands in the place of its variable.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line, once it is certain that nothing in it is given twice."""
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        if not any(parameter.is_eager for parameter in given):  # help is shown in any case
            for parameter, times in Counter(given).items():
                if times > 1 and takes_one(parameter):
                    raise click.UsageError(f"{_name(parameter)} is given twice, and takes one value", ctx)
        return super().parse_args(ctx, args)


def takes_one(parameter: click.Parameter) -> bool:
    """Return whether an option takes one value; a flag takes none."""
    flag = isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count)
    return not parameter.multiple and not flag


def _name(parameter: click.Parameter) -> str:
    return max(parameter.opts, key=len)
