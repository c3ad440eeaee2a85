"""`annotator worker`: runs plugins here for an application on another machine."""

import logging
import signal
from pathlib import Path

import typer

from annotator.cli.console import out
from annotator.domain import AnnotatorError


def worker(
    listen: str = typer.Option("127.0.0.1:8765", help="HOST:PORT; port 0 takes a free one."),
    token_file: Path = typer.Option(..., help="File with the token; written if missing."),
    most: int = typer.Option(4, min=1, help="Engines lent at the same time."),
) -> None:
    """Listen for applications that know the token; Ctrl-C or SIGTERM ends it.

    Plugins, weights and trust are this machine's own: no code comes over the connection.
    Messages are not encrypted: across a network, use `ssh -L 8765:127.0.0.1:8765 HOST`.
    """
    from annotator.engine.listening import Listener
    from annotator.engine.process.handshake import read_token
    from annotator.engine.registry import PluginRegistry

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise AnnotatorError(f"{listen!r} is no address.", "Write --listen 127.0.0.1:8765.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    token = read_token(token_file, create=True)
    listener = Listener(PluginRegistry.discover(), host.strip("[]"), int(port), token, most=most)
    out.print(f"Listening on {listener.address[0]}:{listener.address[1]}; token in {token_file}")
    if not listener.address[0].startswith("127.") and listener.address[0] != "::1":
        out.print("[yellow]Anyone on the way can read the scans: messages are not encrypted.[/]")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as service managers end it
    try:
        listener.serve()
    except KeyboardInterrupt:
        out.print("Stopped.")
    finally:
        listener.close()
