"""PgBouncer in front of the PostgreSQL server of the tests, in transaction mode."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.store.server import PASSWORD, USER, free_port

if TYPE_CHECKING:
    import subprocess

    from tests.store.server import PostgresServer

_PATIENCE = 30.0
_PAUSE = 0.01
_SETTINGS = """[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 3
server_round_robin = 1
server_login_retry = 0.1
"""
"""Each transaction goes to the connection that was idle for longest, so two in a row rarely share one."""


def bouncer_binary() -> Path | None:
    """Return the program, where Debian has it or on the path."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    return None if found is None else Path(found)


class Bouncer:
    """A pooler, which runs from its making to `stop`.

    Args:
        program: PgBouncer.
        server: the server behind it.
    """

    def __init__(self, program: Path, server: PostgresServer) -> None:
        self.port = free_port()
        users = server.file("users", f'"{USER}" "{PASSWORD}"\n')
        settings = server.file(
            "pgbouncer.ini", _SETTINGS.format(server=server.port, port=self.port, users=users)
        )
        self._log = server.file("pgbouncer.log", "")
        self._server = server
        self._process: subprocess.Popen[bytes] = server.run([program, settings], self._log)
        self._wait()

    def dsn(self, dsn: str) -> str:
        """Return the address of a database of the server by way of the pooler."""
        return dsn.replace(f":{self._server.port}/", f":{self.port}/")

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(_PATIENCE)

    def _wait(self) -> None:
        until = time.monotonic() + _PATIENCE
        while "process up" not in self._log.read_text("utf-8"):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("PgBouncer does not start: " + self._log.read_text("utf-8"))
            time.sleep(_PAUSE)
