"""A server that is not ours: nginx, which answers every day with 24 rows of that day.

It runs in the foreground as a child, with one worker on a core of its own, and leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.slices import HOURS, PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
_PATIENCE = 5.0
_MAIN = """
daemon off;
master_process off;
error_log {folder}/error.log warn;
pid {folder}/nginx.pid;
{main}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    keepalive_timeout 75s;
    tcp_nodelay on;
    default_type application/json;
    map $arg_ymd $month {{ default 0; "~^\\d\\d\\d\\d-(?<mm>\\d\\d)-\\d\\d$" $mm; }}
    map $arg_ymd $date {{ default 0; "~^\\d\\d\\d\\d-\\d\\d-(?<dd>\\d\\d)$" $dd; }}
    {http}
    server {{
        listen 127.0.0.1:{port}{tls};
        location = {path} {{ {location} return 200 '{body}'; }}
        location / {{ return 404; }}
    }}
}}
"""


def find_nginx() -> str | None:
    """Return where nginx is, if it is installed."""
    return shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), *_PLACES]))


def answer() -> str:
    """Return what is answered, in the words of nginx: it puts the date, the month and the day in."""
    row = '{{"ymd":"$arg_ymd","hour":{hour},"acesCnt":{hundreds}$date,"pernCnt":{hundreds}$month}}'
    rows = ",".join(row.format(hour=hour, hundreds=hour + 1) for hour in range(HOURS))
    return f'{{"code":0,"message":"success","result":[{rows}]}}'


def certify(folder: Path) -> Path:
    """Make a certificate for the server in a folder, and return where that of its authority is."""
    import trustme  # noqa: PLC0415 - only the benchmarks over TLS need it

    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return folder / "authority.pem"


@contextmanager
def upstream(
    *,
    core: int | None = None,
    tls: Path | None = None,
    main: str = "",
    http: str = "",
    location: str = "",
) -> Iterator[str]:
    """Start the server, and end it on leaving.

    Args:
        core: the core it may run on; ``None`` for any.
        tls: the folder with its certificate, as `certify` has left it; ``None`` for plain HTTP.
        main: further directives of the main level.
        http: further directives of the ``http`` block.
        location: further directives of the location that answers.

    Yields:
        Its base URL.

    Raises:
        FileNotFoundError: nginx is not installed.
        RuntimeError: it does not start.
    """
    nginx = find_nginx()
    if nginx is None:
        raise FileNotFoundError("nginx is not installed (on Debian: apt-get install nginx-light)")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hourlyclicks-nginx-"))
        port = _free_port()
        pem = tls and tls / "server.pem"
        settings = _MAIN.format(
            folder=folder,
            port=port,
            tls=f" ssl; ssl_certificate {pem}; ssl_certificate_key {pem}" if tls else "",
            path=PATH,
            body=answer(),
            main=main,
            http=http,
            location=location,
        )
        path = Path(folder) / "nginx.conf"
        path.write_text(settings, encoding="utf-8")
        command = [nginx, "-p", folder, "-c", str(path), "-e", f"{folder}/error.log"]
        server = stack.enter_context(subprocess.Popen(command, stdin=subprocess.DEVNULL))  # noqa: S603 - nginx, found above
        stack.callback(server.terminate)
        if core is not None:
            os.sched_setaffinity(server.pid, {core})
        _wait(server, port)
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    """Return when the server takes connections."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError("nginx does not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
