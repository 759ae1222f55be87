"""A PostgreSQL server for the tests, in a folder of its own and on a free port."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.store.sessions import Background, Session

if TYPE_CHECKING:
    from collections.abc import Mapping

USER = "clicker"
PASSWORD = "pa55word-of-the-tests"  # noqa: S105 - of a server that lives for a minute
_SETTINGS = (
    *("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_wal_size=64MB"),
    *("autovacuum=off", "jit=off"),
    *("listen_addresses=127.0.0.1", "timezone=Asia/Seoul"),
)
_HAS_STRATEGIES = 15
"""The first version that copies a database page by page unless it is told to copy files, which is quicker."""
_PATIENCE = 60.0
_PAUSE = 0.02


def binaries() -> Path | None:
    """Return the folder of the newest server's programs, where Debian has them or on the path."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = sorted(debian, key=lambda path: path.parts[-3].rjust(9, "0"))
    found = newest[-1] if newest else shutil.which("initdb")
    return None if found is None else Path(found).resolve().parent


class PostgresServer:
    """A server, which runs from `start` to `stop`.

    Args:
        programs: the folder of its programs.
        settings: further settings, such as ``max_connections=20``.
        origin: a folder, of which the data of a new server is a copy. The first server that names it makes
            it; servers of several processes may name the same one, at the same time.
    """

    def __init__(self, programs: Path, *settings: str, origin: Path | None = None) -> None:
        self._programs = programs
        self._settings = (*_SETTINGS, *settings)
        self._folder = Path(tempfile.mkdtemp(prefix="hourlyclicks-"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        self.port = free_port()
        _give(self._folder)
        if origin is None:
            self._initialize()
        else:
            self._copy(origin)
        self._version = int((self._data / "PG_VERSION").read_text("ascii"))
        self.background = Background()
        self._session = Session(self.background, self.dsn())

    @property
    def pid(self) -> int:
        """The process of the running server."""
        assert self._process is not None
        return self._process.pid

    def dsn(self, database: str = "postgres", *, password: str = PASSWORD, port: int | None = None) -> str:
        """Return the address of a database."""
        return f"postgresql://{USER}:{password}@127.0.0.1:{port or self.port}/{database}"

    async def new_database(self, template: str = "template1") -> str:
        """Make a database, and return its address.

        Args:
            template: the name of the one that it is a copy of; that of PostgreSQL is empty.
        """
        name = f"test_{next(self._names)}"
        files = " STRATEGY file_copy" if self._version >= _HAS_STRATEGIES else ""
        await self._session.fetch(f"CREATE DATABASE {name} TEMPLATE {template}{files}")
        return self.dsn(name)

    async def drop_database(self, dsn: str) -> None:
        """Remove a database, also if something is connected to it."""
        await self._session.fetch(f"DROP DATABASE IF EXISTS {dsn.rpartition('/')[2]} WITH (FORCE)")

    def start(self) -> None:
        """Run the server, and return when it accepts connections."""
        settings = [word for setting in self._settings for word in ("-c", setting)]
        command = [self._program("postgres"), "-D", self._data, "-k", self._folder, "-p", str(self.port)]
        self._process = process = self.run([*command, *settings], self._folder / "log")
        until = time.monotonic() + _PATIENCE
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("PostgreSQL does not start: " + (self._folder / "log").read_text("utf-8"))
            time.sleep(_PAUSE)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: at once with all its connections (SIGINT), or as in a crash (SIGQUIT)."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(_PATIENCE)

    def crash(self) -> None:
        """Kill the server and all its processes, as a failure of the machine does."""
        pid = self.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        for each in (pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self.stop(signal.SIGKILL)
        until = time.monotonic() + _PATIENCE
        while any(map(_runs, children)):  # the next server does not start before
            assert time.monotonic() < until
            time.sleep(_PAUSE)

    def remove(self) -> None:
        """Stop the server, and forget all it knew."""
        self.stop(signal.SIGQUIT)
        self.background.stop()
        shutil.rmtree(self._folder)

    def file(self, name: str, text: str) -> Path:
        """Write a file that programs of the server can read and write."""
        path = self._folder / name
        path.write_text(text, "utf-8")
        _give(path)
        return path

    def run(self, command: list[str | Path], log: Path) -> subprocess.Popen[bytes]:
        """Run a program as the server's user."""
        with log.open("ab") as out:
            return subprocess.Popen(command, stdout=out, stderr=out, **self._manner())  # noqa: S603 - our own words

    def _copy(self, origin: Path) -> None:
        """Copy what a server without databases consists of, which is quicker than to make it anew."""
        with origin.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed, or this process has ended
            if not origin.exists():
                self._initialize()
                _copy_folder(self._data, unfinished := origin.with_suffix(".new"))
                unfinished.rename(origin)
                return
        _copy_folder(origin, self._data)

    def _initialize(self) -> None:
        secret = self.file("password", _verifier(PASSWORD))
        options = ["-A", "scram-sha-256", "-U", USER, "-E", "UTF8", "--locale=C", "--no-sync"]
        command = [self._program("initdb"), "-D", self._data, "--pwfile", secret, *options]
        done = subprocess.run(command, capture_output=True, check=False, **self._manner())  # noqa: S603 - our own words
        if done.returncode:
            raise RuntimeError(f"initdb fails: {done.stderr!r}")

    def _program(self, name: str) -> str | Path:
        return self._programs / name

    def _manner(self) -> Mapping[str, Any]:
        """Return the options of the user for a program of the server, which refuses to run as root."""
        if os.geteuid() != 0:
            return {"cwd": self._folder}
        user = _stranger()
        return {"cwd": self._folder, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def _is_ready(self) -> bool:
        """Return whether the status file of the server says that it is ready, on the eighth line."""
        try:
            lines = (self._data / "postmaster.pid").read_text("utf-8").splitlines()
        except OSError:
            return False
        return lines[:1] == [str(self.pid)] and lines[7:] != [] and lines[7].strip() == "ready"


def _verifier(password: str) -> str:
    """Return what the server stores of a password: one round of SCRAM, since each connection takes as many.

    RFC 5803 has the form; PostgreSQL itself would make 4,096 rounds.
    """
    salt = b"of the tests"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    client, server = (hmac.digest(salted, words, "sha256") for words in (b"Client Key", b"Server Key"))
    stored = hashlib.sha256(client).digest()
    parts = (base64.b64encode(part).decode("ascii") for part in (salt, stored, server))
    return "SCRAM-SHA-256$1:{}${}:{}".format(*parts)


def _copy_folder(source: Path, target: Path) -> None:
    """Copy a folder and to whom its files belong."""
    subprocess.run(["cp", "-a", "-T", source, target], check=True)  # noqa: S603, S607 - our own words


def _runs(pid: str) -> bool:
    """Return whether a process runs; one that is not reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _give(path: Path) -> None:
    """Give a file to the user of the server."""
    if os.geteuid() == 0:
        os.chown(path, _stranger().pw_uid, _stranger().pw_gid)


def _stranger() -> pwd.struct_passwd:
    """Return a user without rights."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
