"""The packaged files themselves: complete, understood by the servers, and fitted line by line."""

from __future__ import annotations

import socket
import socketserver
import ssl
import subprocess
import threading
import urllib.request
from pathlib import Path

import pytest

from configs import edge
from scripts.edge_servers import find_program, own_user, running_nginx, running_varnish
from scripts.servers import free_port
from tests.support import certificates
from tests.support.http_recorder import recording


@pytest.mark.parametrize("kind", ["nginx", "varnish"])
def test_a_line_is_replaced_or_left_out_and_nothing_else(kind: edge.Kind) -> None:
    before = edge.text(kind)
    assert edge.fitted(kind, {}) == before
    names = edge.names(kind)
    assert len(set(names)) == len(names) >= 3
    for name in names:
        after = edge.fitted(kind, {name: "OTHER"}).splitlines()
        pairs = zip(before.splitlines(), after, strict=True)
        ((old, new),) = [pair for pair in pairs if pair[0] != pair[1]]
        assert old.endswith(f"# yours: {name}")
        assert new.strip() == "OTHER"
        shorter = edge.fitted(kind, {name: None}).splitlines()
        assert len(shorter) == len(after) - 1
    with pytest.raises(ValueError, match="no line"):
        edge.fitted(kind, {"weather": "sunny"})


@pytest.mark.server
def test_nginx_takes_the_file_as_it_is(tmp_path: Path) -> None:
    """But for its ports and its user: TLS 1.3 and HTTP/2 to listeners."""
    pair = certificates.server_pair()
    (tmp_path / "tls.crt").write_bytes(pair.pem)
    (tmp_path / "tls.key").write_bytes(pair.key_pem)
    port = free_port()
    lines = {
        "listen": f"listen 127.0.0.1:{port} ssl http2;",
        "certificate": "ssl_certificate tls.crt;",
        "certificate key": "ssl_certificate_key tls.key;",
    }
    with running_nginx("127.0.0.1:1", tmp_path, port=port, lines=lines):
        context = ssl.create_default_context(cadata=pair.pem.decode())
        context.set_alpn_protocols(["h2", "http/1.1"])
        with (
            socket.create_connection(("127.0.0.1", port)) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as connection,
        ):
            assert connection.selected_alpn_protocol() == "h2"
            assert connection.version() == "TLSv1.3"


@pytest.mark.server
def test_varnish_takes_the_file_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "varnish.vcl").write_text(edge.text("varnish"))
    command = (find_program("varnishd"), "-C", "-f", str(tmp_path / "varnish.vcl"))
    done = subprocess.run(
        (*command, *own_user(), "-n", str(tmp_path / "work")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


_FIELDS = (
    "X-Country-Code",
    "X-Country",
    "X-Geo-Country",
    "CF-IPCountry",
    "CloudFront-Viewer-Country",
)


@pytest.mark.server
@pytest.mark.parametrize(
    ("kind", "lines", "found"),
    [
        ("nginx", {}, None),
        ("nginx", {"country": "default $http_cf_ipcountry;"}, "DE"),
        ("varnish", {}, None),
    ],
)
def test_where_a_listener_is_says_the_edge_or_a_cdn_before_it(
    kind: edge.Kind, lines: dict[str, str | None], found: str | None, tmp_path: Path
) -> None:
    """To the API and to the question about a token, whatever the listener says himself."""
    paths = ("/api/v1/tracks", f"/v1/t/token/tracks/t{'a' * 20}/{'0' * 16}/lyrics-es-419.vtt")
    start = running_nginx if kind == "nginx" else running_varnish
    said = {**dict.fromkeys(_FIELDS, "FR"), "CF-IPCountry": "DE"}
    with recording() as origin, start(origin.url[7:], tmp_path, lines=lines) as running:
        origin.answers = [(204, b"")]
        for path in paths:
            request = urllib.request.Request(running.url + path, headers=said)
            urllib.request.urlopen(request).read()
        asked = [one for one in origin.asked if one.path.startswith(("/api/", "/v1/"))]
    assert [one.path[:8] for one in asked] == ["/api/v1/", "/v1/auth", "/v1/t/to"]
    for one in asked:
        told = {name: one.headers.get(name.lower()) for name in _FIELDS}
        assert told.pop("X-Country-Code") == found
        assert set(told.values()) == {None}


class _HangsUp(socketserver.StreamRequestHandler):
    """Answers one request of each connection, and closes it under the next, as one that leaves."""

    def handle(self) -> None:
        for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""):
            while self.rfile.readline().strip():
                pass
            self.wfile.write(answer)


@pytest.mark.server
def test_a_license_asked_of_an_origin_that_hangs_up_is_asked_for_again(tmp_path: Path) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _HangsUp) as origin:
        thread = threading.Thread(target=origin.serve_forever)
        thread.start()
        try:
            with running_nginx(f"127.0.0.1:{origin.server_address[1]}", tmp_path) as running:
                for _ in range(4):
                    url = f"{running.url}/license/clearkey"
                    with urllib.request.urlopen(url, data=b"") as response:
                        assert response.status == 200
        finally:
            origin.shutdown()
            thread.join()
