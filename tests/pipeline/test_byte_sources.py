from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from packager.check import Unreadable
from pipeline.byte_sources import ByteSources

DATA = bytes(range(256)) * 2000
FILES = {"/song.mp4": DATA, "/empty": b""}


class Handler(BaseHTTPRequestHandler):
    """A server with ranges; `/plain` ignores them, `/gone` and `/away` are what they say."""

    requests: list[str]

    def do_GET(self) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        assert asked
        start, last = int(asked[1]), int(asked[2])
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/song.mp4")
            self.end_headers()
        elif self.path == "/out":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
        elif self.path == "/plain":
            self.answer(200, DATA)
        elif self.path not in FILES:
            self.send_error(404)
        elif start >= len(FILES[self.path]):
            self.send_error(416)
        else:
            data = FILES[self.path]
            self.answer(206, data[start : last + 1], f"bytes {start}-{last}/{len(data)}")

    def answer(self, status: int, data: bytes, content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_file_is_read_in_ranges(url: str) -> None:
    source = ByteSources()

    assert source.size(f"{url}/song.mp4") == len(DATA)
    assert source.read(f"{url}/song.mp4", 5, 10) == DATA[5:10]
    assert source.read(f"{url}/song.mp4", 400_000, 400_100) == DATA[400_000:400_100]
    assert source.read(f"{url}/away", 300_000, 300_005) == DATA[300_000:300_005]


def test_a_file_without_bytes(url: str) -> None:
    assert ByteSources().size(f"{url}/empty") == 0


def test_a_server_without_ranges_is_found_out(url: str) -> None:
    source = ByteSources()

    assert source.size(f"{url}/plain") == len(DATA)
    with pytest.raises(Unreadable, match="does not answer ranges"):
        source.read(f"{url}/plain", 400_000, 400_100)


@pytest.mark.parametrize("path", ["/gone", "/out"])
def test_what_cannot_be_fetched_is_told(url: str, path: str) -> None:
    with pytest.raises(Unreadable):
        ByteSources().size(url + path)


def test_nobody_listens() -> None:
    with pytest.raises(Unreadable, match="cannot be fetched"):
        ByteSources().size("http://127.0.0.1:9/song.mp4")


def test_local_files(tmp_path: Path) -> None:
    path = tmp_path / "ein Lied #1.mp4"
    path.write_bytes(DATA)
    source = ByteSources()

    assert source.size(path.as_uri()) == len(DATA)
    assert source.read(path.as_uri(), 3, 9) == DATA[3:9]
    with pytest.raises(Unreadable, match="no such file"):
        source.size((tmp_path / "none").as_uri())
    with pytest.raises(Unreadable):
        source.read(tmp_path.as_uri(), 0, 1)
