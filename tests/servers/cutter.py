"""A wire to a server that breaks once, after so many bytes of one connection went there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


@contextmanager
def cutting(url: str, after_bytes: int) -> Iterator[str]:
    """The address of the wire, until the end of the block; whatever else passes, passes."""
    parts = urlsplit(url)
    target = (parts.hostname or "", parts.port or 80)
    is_cut = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with suppress(OSError):  # the block is over
                while True:
                    near, _ = listening.accept()
                    threading.Thread(target=relay, args=(near,), daemon=True).start()

        def relay(near: socket.socket) -> None:
            with near, socket.create_connection(target) as far:
                back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
                back.start()
                passed = 0
                with suppress(OSError):
                    while data := near.recv(16384):
                        far.sendall(data)
                        passed += len(data)
                        if passed > after_bytes and not is_cut.is_set():
                            is_cut.set()
                            break
                for end in (near, far):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                back.join()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(16384):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
