"""`python -m casesite.sandbox`: serve the simulator on a loopback address until told to stop."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from casesite.sandbox.app import App
from casesite.sandbox.control import is_loopback
from casesite.sandbox.server import Server
from casesite.sandbox.state import AlreadyRunning


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="sandbox: %(message)s")
    try:
        app = App(options.var, options.time_scale)
        server = Server(options.host, options.port, app, app.state.now)
    except (AlreadyRunning, OSError) as problem:
        sys.stderr.write(f"sandbox cannot start: {problem}\n")
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, args=(0.1,), name="accept", daemon=True).start()
    if options.port_file:
        _write_whole(options.port_file, f"{server.server_port}\n")
    host = f"[{options.host}]" if ":" in options.host else options.host
    sys.stdout.write(f"sandbox listening on http://{host}:{server.server_port}\n")
    sys.stdout.flush()
    stop.wait()
    app.stop()
    server.shutdown()
    server.server_close()
    server.drain()
    app.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m casesite.sandbox", description="A stand-in for AWS on this machine."
    )
    parser.add_argument("--host", type=_loopback, default="127.0.0.1", help="a loopback address (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--var", type=Path, required=True, help="the directory that holds the simulator's state")
    parser.add_argument(
        "--time-scale",
        type=_time_scale,
        default=os.environ.get("CASESITE_TIME_SCALE") or "1",
        help="divides the hour of the quota, the delay until a case is visible and the validity of signatures"
        " (default: CASESITE_TIME_SCALE, or 1)",
    )
    parser.add_argument("--port-file", type=Path, help="where to write the port once the simulator listens")
    return parser


def _loopback(host: str) -> str:
    if not is_loopback(f"[{host}]" if ":" in host else host):
        raise argparse.ArgumentTypeError(f"{host} is not a loopback address")
    return "127.0.0.1" if host == "localhost" else host


def _time_scale(text: str) -> float:
    value = float(text)
    if not 0.001 <= value <= 100_000:
        raise argparse.ArgumentTypeError("must lie between 0.001 and 100000")
    return value


def _write_whole(path: Path, text: str) -> None:
    """Write so that nobody reads half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="ascii")
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
