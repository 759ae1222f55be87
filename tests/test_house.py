"""Check the floor plan: which room may import which, where the vendor's words may be, what an import costs.

A room imports from rooms on floors below it, and from itself. Imports for type checkers count too, with one
exception: errors name the series and targets that they carry.
"""

from __future__ import annotations

import ast
import inspect
import io
import json
import re
import subprocess
import sys
import tokenize
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

import hourlyclicks
from tests.sources import nodes, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "hourlyclicks"
MODULES = sorted(PACKAGE.rglob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))
SCRIPTS = sorted(
    path
    for folder in ("hourlyclicks", "tests", "benchmarks", "docs")
    for path in (ROOT / folder).rglob("*.py")
) + sorted(ROOT.glob("*.py"))

pytestmark = pytest.mark.usefixtures("parsed_sources")

FLOORS = {
    "errors": 0,
    "clock": 0,
    "files": 0,
    "forks": 0,
    "lazy": 0,
    "_version": 0,
    "model": 1,
    "events": 2,
    "store": 2,
    "wire": 3,
    "pacing": 3,
    "scanning": 3,
    "coordination": 4,
    "transport": 4,
    "fetching": 5,
    "jobs": 6,
    "client": 7,
    "fleet": 8,
    "otel": 8,
    "simulator": 8,
    "render": 9,
    "plot": 10,
    "": 11,  # the package itself, with its public names
    "cli": 12,
    "__main__": 13,
}
TYPES_UPWARD = {("errors", "model")}
NEVER = {
    ("simulator", "wire"),  # the simulator must be able to disagree with our reading of the API
    ("pacing", "store"),  # what several processes share comes through a backend
    ("fetching", "coordination"),  # likewise
    *(("transport", room) for room in ("events", "store", "pacing")),  # it carries, and decides nothing
    *(("wire", room) for room in ("events", "store")),  # it is pure
    ("jobs", "transport"),  # requests are sent by `fetching`
    *(("render", room) for room in ("transport", "fetching", "jobs", "client", "fleet")),  # it shows values
}
"""Imports that the floors would allow."""
SOLE_USERS = {
    "cattrs": {"wire/decode.py"},
    "aiohttp": {
        *(f"transport/{name}.py" for name in ("aiohttp", "connections", "direct", "rehearsal", "translate")),
        "simulator/*",
    },
    "tenacity": {"fetching/retry.py"},
    "msgspec": {"wire/fast_reader.py"},
    "sqlite3": {
        f"store/{name}.py"
        for name in (
            "sqlite",
            "sqlite_file",
            "sqlite_open",
            "sqlite_schema",
            "sqlite_messages",
            "memory",
            "inspection",
            "read_only",
            "file_guard",
        )
    },
    "asyncpg": {"store/postgres_connection.py", "store/postgres_messages.py"},
    "click": {"cli/*"},
    "rich": {"cli/*", "render/heatmap.py"},
    "nanoarrow": {"model/frames/arrow.py"},
    "numpy": {"model/grid.py", "model/frames/masked.py", "model/frames/pandas.py", "render/plots/*"},
    "pandas": {"model/frames/pandas.py"},
    "polars": {"model/frames/tabular.py", "scanning/scan.py"},
    "pyarrow": {"model/frames/parquet.py", "model/frames/tabular.py", "scanning/scan.py"},
    "fsspec": {"model/frames/destinations.py"},
    "xlsxwriter": {"model/frames/excel.py"},
    "matplotlib": {"render/plots/*"},
    "platformdirs": {"cli/*"},
    "jinja2": {"render/page/document.py"},
    "distributed": {"fleet/dask.py", "fleet/dask_scheduler.py"},
    "procrastinate": {"fleet/procrastinate.py"},
    "pytest": {"simulator/*"},
    "opentelemetry": {"otel.py"},
}
VENDOR_WORDS = re.compile(r"\b(ymd|acesCnt|pernCnt|linkId|grpIdx)\b")
LONGEST_FILE = 300
"""Lines of code; docstrings, comments and blank lines do not count."""
MOST_ARGUMENTS = 8
WITHOUT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
NOT_LOADED = {
    "asyncpg",
    "sqlite3",
    "hourlyclicks.simulator",
    "hourlyclicks.cli",
    "hourlyclicks.scanning",
    "hourlyclicks.events.base",
    "hourlyclicks.model.frames.hours",
    "hourlyclicks.wire.range_endpoint",
    "cattrs",
    "click",
    "hourlyclicks.model.notebook",
    "hourlyclicks.render",
    "jinja2",
    "msgspec",
    "matplotlib",
    "rich",
    "tenacity",
    "zoneinfo",
    "nanoarrow",
    "distributed",
    "duckdb",
    "numpy",
    "opentelemetry",
    "pandas",
    "procrastinate",
    "platformdirs",
    "polars",
    "pyarrow",
    "pytest",
    "fsspec",
    "xlsxwriter",
}


@attrs.frozen
class Import:
    """One imported module: who, what, and whether at run time."""

    importer: str
    line: int
    name: str
    only_types: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.name}"


def is_type_checking(test: ast.expr) -> bool:
    """Recognize ``if TYPE_CHECKING:``."""
    return "TYPE_CHECKING" in {getattr(test, "id", ""), getattr(test, "attr", "")}


def walk(node: ast.AST, *, only_types: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Yield every import statement, and whether it is for type checkers only."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, only_types
        return
    guarded = node.body if isinstance(node, ast.If) and is_type_checking(node.test) else []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):  # there is no statement in it
            continue
        yield from walk(child, only_types=only_types or child in guarded)


def imported_names(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the modules an import statement names; ``from hourlyclicks import x`` may name a room."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.module == "hourlyclicks":
        rooms = [alias.name for alias in node.names if alias.name in FLOORS]
        return [f"hourlyclicks.{room}" for room in rooms] or ["hourlyclicks"]
    return [node.module or ""]


def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return parsed(path.read_text(encoding="utf-8"))


@cache
def imports() -> list[Import]:
    """Return every import of the package."""
    return [
        Import(path.relative_to(PACKAGE).as_posix(), node.lineno, name, only_types)
        for path in MODULES
        for node, only_types in walk(tree(path))
        for name in imported_names(node)
    ]


def room_of(module: str) -> str:
    """Return the room of ``hourlyclicks.room.module``, or of ``room/module.py``."""
    first = module.removeprefix("hourlyclicks").lstrip(".").replace(".py", "").replace("/", ".").split(".")[0]
    return "" if first == "__init__" else first


def allowed(found: Import) -> bool:
    """Check an import of the package from itself by the floor table."""
    here, there = room_of(found.importer), room_of(found.name)
    if (here, there) in NEVER:
        return False
    if here == there:
        return True
    if found.only_types and (here, there) in TYPES_UPWARD:
        return True
    return FLOORS[there] < FLOORS[here]


def public_parts() -> list[tuple[str, object]]:
    """Return the public names that can carry a docstring, and the public members of the classes."""
    parts: list[tuple[str, object]] = []
    for name in hourlyclicks.__all__:
        thing = getattr(hourlyclicks, name)
        if inspect.isclass(thing):
            parts += [(f"{name}.{member}", value) for member, value in own_members(thing)]
        if inspect.isclass(thing) or inspect.isroutine(thing):
            parts.append((name, thing))
    return parts


def own_members(cls: type) -> list[tuple[str, object]]:
    """Return the public methods and properties that a class defines itself."""
    return [
        (name, value)
        for name, value in vars(cls).items()
        if not name.startswith("_") and (inspect.isroutine(value) or isinstance(value, property))
    ]


def test_every_module_lives_in_a_room() -> None:
    """The floor table knows every module of the package."""
    assert {room_of(path.relative_to(PACKAGE).as_posix()) for path in MODULES} <= set(FLOORS)


def test_imports_go_downstairs() -> None:
    """No room imports from its own floor or above, and the simulator shares no code with wire."""
    own = [found for found in imports() if found.name.split(".")[0] == "hourlyclicks"]
    assert [str(found) for found in own if not allowed(found)] == []


CLIENT_FLOORS = (
    {"costs", "preload", "resources"},
    {"assembly", "engine", "lifetime"},
    {"base"},
    {"backfill_calls", "list_calls", "offline_calls"},
    {"client"},
    {"__init__"},
)
"""The modules of the room ``client``, from the lowest floor to the highest."""


def test_the_client_is_made_of_its_parts() -> None:
    """In the room of the client imports go downstairs as well: no part of it knows the calls above."""
    floors = {name: floor for floor, names in enumerate(CLIENT_FLOORS) for name in names}
    assert {path.stem for path in (PACKAGE / "client").glob("*.py")} == set(floors)
    own = [
        found
        for found in imports()
        if found.importer.startswith("client/") and found.name.startswith("hourlyclicks.client")
    ]
    assert own
    upward = [
        str(found)
        for found in own
        if floors[found.name.rpartition(".")[2]] >= floors[Path(found.importer).stem]
        or found.name == "hourlyclicks.client"
    ]
    assert upward == []


CALLS_UPWARD = {
    "coordination/shared_state.py: SharedState.account",
    "events/stream.py: EventStream.check",
    "fetching/task.py: Caller.start_spare",
    "jobs/stream.py: DayStream.check",
}
"""Parameters of constructors by which a room calls a higher one; the design page tells what for."""
OTHER_CALLS = {
    "client/lifetime.py: Lifetime.close",
    "coordination/state_copies.py: CopiedStep.step",
    "coordination/step_loop.py: StepLoop.request",
    "events/context.py: CallContext.hooks",
    "fetching/account_store.py: AccountStore.fingerprint",
    "fetching/cache.py: DayCache.fingerprint",
    "fetching/coalescing.py: SingleFlight.fetch",
    "fetching/coalescing.py: SingleFlight.take_over",
    "jobs/backfill_days.py: BackfillDays.stop",
    "jobs/bounded_wait.py: _PauseWatch.is_unsent",
    "jobs/range_work.py: RangeWork.by_day",
    "jobs/range_work.py: RangeWork.done",
    "jobs/registered_call.py: RegisteredCall.stop",
    "jobs/stopping.py: Stopper.stop",
    "jobs/sums_in_flight.py: SumsInFlight.take_over",
    "jobs/target_feed.py: TargetFeed.check",
    "jobs/target_feed.py: TargetFeed.days_of",
    "jobs/target_sources.py: Collected.days",
    "jobs/workers.py: WorkerPool.finishes",
    "jobs/workers.py: WorkerPool.keeps_running",
    "jobs/workers.py: WorkerPool.work",
    "model/frames/layouts.py: Layout.count_rows",
    "model/frames/layouts.py: Layout.table",
    "pacing/limiter.py: Limiter.emit",
    "pacing/task_queue.py: TaskQueue.emit",
    "scanning/pull.py: Pull.items",
    "store/group_commit.py: GroupCommit.commit",
    "store/migration.py: Migration.report",
    "store/postgres.py: PostgresStore.on_migration",
    "store/postgres_database.py: DaysChange.change",
    "store/postgres_database.py: LimiterStep.change",
    "store/postgres_ranges.py: ChangeRanges.step",
    "store/sqlite.py: SqliteStore.on_migration",
    "store/sqlite_fenced.py: FencedSqlite.make",
    "store/sqlite_fenced.py: FencedSqlite.run",
    "store/sqlite_file.py: SqliteFile.now",
    "store/sqlite_file.py: SqliteFile.open_tables",
    "store/sqlite_leases.py: WithinLease.work",
    "wire/lists.py: ListEndpoint.read",
    "wire/range_endpoint.py: RangeEndpoint.read",
}
"""The others: what is called is in the same room or a lower one, or it is the user's."""
MOST_CALLS_UPWARD = 4


def function_type(node: ast.AST) -> str:
    """Return the name of a type of functions that a node defines, an alias or a protocol; or nothing."""
    if isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.unparse(node.annotation):
        return ast.unparse(node.target) if "Callable" in ast.unparse(node) else ""
    if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases):
        called = any(isinstance(part, ast.FunctionDef) and part.name == "__call__" for part in node.body)
        return node.name if called else ""
    return ""


def parameters(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """Yield the parameters of the constructor of a class that have an annotation, and the annotations."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            for argument in (*part.args.args, *part.args.kwonlyargs):
                if argument.annotation is not None:
                    yield argument.arg, argument.annotation
        elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and node.decorator_list:
            yield part.target.id, part.annotation


def functions_given() -> set[str]:
    """Return the parameters of constructors, in the rooms up to the client, that take functions."""
    found = [
        (module, node)
        for path in MODULES
        if FLOORS[room_of(module := path.relative_to(PACKAGE).as_posix())] <= FLOORS["client"]
        for node in nodes(path.read_text("utf-8"))
    ]
    names = {"Callable", *(name for _, node in found if (name := function_type(node)))}
    return {
        f"{module}: {node.name}.{name}"
        for module, node in found
        if isinstance(node, ast.ClassDef)
        for name, annotation in parameters(node)
        if names.intersection(re.findall(r"\w+", ast.unparse(annotation)))
    }


def test_few_calls_go_upstairs() -> None:
    """A room is given few functions of higher rooms, and a new parameter that takes one is noticed."""
    assert functions_given() == {*CALLS_UPWARD, *OTHER_CALLS}
    assert CALLS_UPWARD.isdisjoint(OTHER_CALLS)
    assert len(CALLS_UPWARD) <= MOST_CALLS_UPWARD


def test_no_relative_imports() -> None:
    """Imports within the package are absolute, so that the floor table sees them all."""
    found = [
        str(path) for path in MODULES if re.search(r"^\s*from \.", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert found == []


def test_no_parameter_of_sqlite_has_a_number() -> None:
    """Some releases of Python 3.12 take ``?1`` for a name, and warn of values in a sequence."""
    found = [
        str(path) for path in MODULES if re.search(r"\?\d", path.read_text("utf-8")) and "sqlite" in path.name
    ]
    assert found == []


def test_progress_is_shown_from_public_values() -> None:
    """What shows the progress of a run imports only events, public names, and rooms for what people see."""
    shown, words = {"cli", "events", "fleet", "render", ""}, "hourlyclicks.model.quantities"
    found = [
        str(found)
        for found in imports()
        if found.importer.startswith("cli/progress/")
        and found.name.split(".")[0] == "hourlyclicks"
        and room_of(found.name) not in shown
        and found.name != words
    ]
    assert found == []


@pytest.mark.parametrize("library", SOLE_USERS)
def test_a_library_has_its_sole_user(library: str) -> None:
    """Each library is used at run time in one room, or one module, only."""
    users = SOLE_USERS[library]
    strangers = [
        str(found)
        for found in imports()
        if found.name.split(".")[0] == library
        and not found.only_types
        and not any(fnmatch(found.importer, user) for user in users)
    ]
    assert strangers == []


def test_vendor_words_stay_at_the_border() -> None:
    """The vendor's names for things are in wire and in the simulator only."""
    found = [
        f"{path.relative_to(PACKAGE)}: {match.group()}"
        for path in MODULES
        if room_of(path.relative_to(PACKAGE).as_posix()) not in {"wire", "simulator"}
        for match in VENDOR_WORDS.finditer(path.read_text("utf-8"))
    ]
    assert found == []


def can_be_read(path: Path) -> bool:
    """Return whether a module has a docstring, and not too much code to be read at once."""
    source = path.read_text("utf-8")
    if source.count("\n") > LONGEST_FILE and len(lines_of_code(source)) > LONGEST_FILE:
        return False
    return bool(ast.get_docstring(parsed(source)))


def test_modules_can_be_read() -> None:
    """Each has a docstring, and at most 300 lines of code."""
    assert [path.relative_to(ROOT).as_posix() for path in MODULES + BENCHMARKS if not can_be_read(path)] == []


def test_what_cannot_be_read_is_found(tmp_path: Path) -> None:
    """Docstrings and comments are no code."""
    path = tmp_path / "module.py"
    for source, readable in {
        "x = 1\n": False,
        '"""It."""\n' + "x = 1\n" * LONGEST_FILE: True,
        '"""It."""\n' + "x = 1\n" * (LONGEST_FILE + 1): False,
        '"""It.\n' + "It.\n" * LONGEST_FILE + '"""\nx = 1\n' + "# It.\n" * LONGEST_FILE: True,
    }.items():
        path.write_text(source, "utf-8")
        assert can_be_read(path) is readable


MANY_ARGUMENTS = {"Client", "Simulator"}
"""Their constructors take keyword options with defaults, as the user may need them."""


OF_USERS = {
    "client/backfill_calls.py: backfill",
    "client/backfill_calls.py: sync",
    "client/client.py: __init__",
    "client/client.py: fetch",
    "fleet/dask.py: backfill_async",
    "fleet/run.py: run_jobs",
    "simulator/server.py: __init__",
}
"""Functions with more arguments than others: users call them, and the arguments are options with defaults."""


def test_functions_with_many_arguments_are_those_of_users() -> None:
    """No other function is exempt from the limit of the linter."""
    exempt = re.compile(
        r"^ *(?:async )?def (\w+)\(.*# noqa: PLR0913 - keyword options with defaults", re.MULTILINE
    )
    found = {
        f"{path.relative_to(PACKAGE).as_posix()}: {name}"
        for path in MODULES
        if path.is_relative_to(PACKAGE)
        for name in exempt.findall(path.read_text("utf-8"))
    }
    assert found == OF_USERS
    assert sum(path.read_text("utf-8").count("PLR0913") for path in PACKAGE.rglob("*.py")) == len(OF_USERS)


def test_constructors_take_few_arguments() -> None:
    """A constructor has at most eight arguments."""
    found = [
        f"{path.relative_to(ROOT).as_posix()}: {node.name}: {count}"
        for path in MODULES
        for node in nodes(path.read_text("utf-8"))
        if isinstance(node, ast.ClassDef) and node.name not in MANY_ARGUMENTS
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        if (count := len(method.args.args) - 1 + len(method.args.kwonlyargs)) > MOST_ARGUMENTS
    ]
    assert found == []


def lines_of_code(source: str) -> set[int]:
    """Return the numbers of the lines that hold more than comments and docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    code = [token for token in tokens if token.type not in WITHOUT_CODE]
    prose = {
        line
        for node in nodes(source)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return {line for token in code for line in range(token.start[0], token.end[0] + 1)} - prose


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after a statement."""
    script = f"{statement}; import json, sys; print(json.dumps(list(sys.modules)))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603 - ours
    return set(json.loads(done.stdout))


def test_import_is_light() -> None:
    """The package loads nothing before it is used, and no module that is only needed sometimes."""
    assert {"aiohttp", "attrs", "yarl"} & loaded_by("import hourlyclicks") == set()
    assert "aiohttp" not in loaded_by("from hourlyclicks import UsageError, Link, Limits")
    assert NOT_LOADED & loaded_by("from hourlyclicks import Client") == set()


def test_the_parts_of_the_package_are_at_hand() -> None:
    """Importing the package alone is enough to use its documented modules."""
    loaded = loaded_by("import hourlyclicks; hourlyclicks.errors.UsageError; hourlyclicks.events.Progress")
    assert "hourlyclicks.events" in loaded
    assert set(hourlyclicks.__all__) <= set(dir(hourlyclicks))
    with pytest.raises(AttributeError, match="no attribute 'Clinet'"):
        hourlyclicks.Clinet  # noqa: B018 - the access is what is tested


def test_public_names_exist_once_and_in_order() -> None:
    """``__all__`` names what exists, each once, sorted: classes, then the others."""
    names = list(hourlyclicks.__all__)
    assert names == sorted(set(names), key=lambda name: (name.islower(), name))
    assert [name for name in names if not hasattr(hourlyclicks, name)] == []


def test_public_names_are_described() -> None:
    """Every public class, function, method and property has a docstring of its own or its base's."""
    assert [name for name, thing in public_parts() if not inspect.getdoc(thing)] == []


REASONS = {
    re.compile(r"#\s*noqa\b"): re.compile(r"# noqa: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)* - .*\w{3,}"),
    re.compile(r"#\s*type:\s*ignore\b"): re.compile(r"# type: ignore\[[a-z-]+(, [a-z-]+)*\]  # .*\w{3,}"),
    re.compile(r"#\s*pragma:\s*no\b"): re.compile(r"# pragma: no (cover|branch) - .*\w{3,}"),
}


def test_every_exception_states_its_reason() -> None:
    """Each silenced tool has its reason in the same line."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SCRIPTS
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for marker, with_reason in REASONS.items()
        if marker.search(line) and not with_reason.search(line)
    ]
    assert found == []
