"""A fast S3 server in this process, by moto: it checks no signature, but knows newer conditions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.s3_server import S3Server


@pytest.fixture(scope="session")
def moto_s3() -> Iterator[S3Server]:
    """A server for the whole session."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - it loads slowly

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Server("moto", f"http://{host}:{port}", "testing", "testing-secret")
    server.stop()


@pytest.fixture(scope="session")
def moto_bucket(moto_s3: S3Server) -> S3Server:
    """The fast server, with the tests' bucket on it."""
    from tests.servers.buckets import make_bucket  # noqa: PLC0415 - its clients load slowly

    make_bucket(moto_s3)
    return moto_s3
