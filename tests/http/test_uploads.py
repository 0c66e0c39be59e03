"""Uploads over real sockets: tus as its text has it, forms, limits, jobs and their events."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.servers.cutter import cutting
from tests.support import masters
from tests.support.labels import CHUNK, TUS, UPLOADS, Label, Place, metadata, taking_uploads, tus_js

pytestmark = pytest.mark.server

SETTINGS: dict[str, Any] = {
    "limits": {"max_bytes": 30_000_000, "concurrent": 40},
    "labels": {
        "label:small": {"max_bytes": 1000},
        "label:few": {"concurrent": 2},
        "label:daily": {"day_bytes": 1500},
        "label:busy": {"day_uploads": 2},
    },
    "form_bytes": 2_000_000,
    "idle_s": 2,
    "title_characters": 30,
    "max_duration_s": 10,
    "genres": ["Ambient", "Chant"],
}

SHA1_OF_NOTHING = {"Upload_Checksum": "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk="}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("uploads") / "home"
    with taking_uploads(home, SETTINGS, "--executor") as served:
        yield served


@pytest.fixture
def label(place: Place) -> Label:
    return place.label()


def master(tmp_path: Path, seconds: float = 1.5, rate: int = 44_100, **tags: str) -> bytes:
    """A FLAC like no other."""
    signal = masters.music(seconds, rate, seed=int.from_bytes(os.urandom(3), "big"))
    tags.setdefault("GENRE", "chant")
    return masters.flac(tmp_path / "m.flac", signal, rate, 24, **tags).read_bytes()


def test_it_says_what_of_tus_it_speaks(label: Label) -> None:
    answer = Label(label.url, "").ask("OPTIONS", UPLOADS)
    assert answer.status == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == "30000000"
    assert "creation-with-upload" in answer.headers["Tus-Extension"].split(",")
    assert {"sha1", "sha256"} <= set(answer.headers["Tus-Checksum-Algorithm"].split(","))
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert "Upload-Offset" in answer.headers["Access-Control-Allow-Headers"]


def test_tus_js_client_goes_on_where_its_connection_broke_and_the_track_plays(
    place: Place, label: Label, tmp_path: Path
) -> None:
    """What is said with the upload wins over the tags; the file goes once it is published."""
    path = masters.wav(tmp_path / "m.wav", masters.music(9.5))
    masters.tag_wav(path)
    size = path.stat().st_size
    said = {"title": "Wie Gesagt ♫", "artists": "Ada; Grace", "genre": "Chant"}
    with cutting(label.url, after_bytes=700_000) as wire:
        code, seen = tus_js(
            endpoint=wire + UPLOADS,
            file=str(path),
            token=label.token,
            metadata={"filename": "m.flac", **said},
            chunkSize=size,
        )
    assert (code, seen["errors"]) == (0, [0]), seen
    assert [one[:2] for one in seen["requests"]] == [["POST", 201], ["HEAD", 200], ["PATCH", 204]]
    resumed = seen["requests"][1][2]
    assert 690_000 < resumed < 720_000  # what had come was kept
    assert seen["requests"][2][2] == size

    url = label.url + seen["url"].removeprefix(wire)
    job = label.ask("GET", label.head(url).headers["Headwater-Job"]).json
    status, events = label.events(job["events"])
    assert status == 200
    assert events[-1]["event"] == "end"
    last = json.loads(events[-1]["data"])
    assert (last["state"], last["outcome"], last["progress"]) == ("done", "published", 1)
    assert last["estimate_s"] > 0
    assert abs(last["duration_s"] - 9.5) < 0.01
    track = place.listener().ask("GET", f"/api/v1/tracks/{last['track_ids'][0]}").json
    assert (track["title"], track["artists"]) == ("Wie Gesagt ♫", ["Ada", "Grace"])
    assert (track["isrc"], track["genre"]) == ("QZABC2600001", "Chant")  # as tagged, and as said
    # Whoever knows how it ended is told that there is nothing more.
    assert label.events(job["events"], events[-1]["id"]) == (204, [])
    assert label.events(job["events"], "something else")[1][-1]["event"] == "end"
    upload = label.ask("GET", url).json
    assert (upload["state"], upload["job"]["job_id"]) == ("done", job["job_id"])
    assert label.ask("DELETE", url, headers=TUS).status == 409
    deadline = time.monotonic() + 5
    while job["upload_id"] in place.kept:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # Whose job it is may see it, and who may see all.
    assert place.label("label:south").ask("GET", job["url"]).status == 404
    assert place.listener().ask("GET", job["url"]).status == 404
    assert place.operator().ask("GET", job["url"]).status == 200
    wrong = job["events"].replace(job["job_id"], "0" * 32, 1)
    assert label.ask("GET", wrong).reason == "wrong-scope"


def test_another_label_does_not_replace_a_recording(
    place: Place, label: Label, tmp_path: Path
) -> None:
    first = label.form(master(tmp_path, TITLE="Mine", ISRC="QZABC2600002"))
    assert first.status == 202
    again = label.form(master(tmp_path, TITLE="Mine, mended", ISRC="QZABC2600002"))
    assert again.status == 202
    other = place.label("label:south").form(master(tmp_path, TITLE="Not mine"), isrc="QZABC2600002")
    assert (other.status, other.reason) == (422, "track-of-others")


def test_another_label_does_not_rewrite_a_release(
    place: Place, label: Label, tmp_path: Path
) -> None:
    """A release is named by its UPC, or by artist and title: who has one track on it has it."""
    upc, south = "036000291452", place.label("label:south")
    of = {"artist": "Ada", "album": "Rivers"}
    first = label.form(master(tmp_path), title="One", upc=upc, isrc="QZABC2600011", **of)
    plain = label.form(master(tmp_path), title="Alone", isrc="QZABC2600012", **of)
    done = [label.job_done(one.json["url"])["state"] for one in (first, plain)]
    assert done == ["done", "done"]
    theirs = {"title": "Zwei", "artist": "Eve", "album": "Defaced", "isrc": "QZABC2600013"}
    taken = south.form(master(tmp_path), upc=upc, **theirs)
    assert (taken.status, taken.reason) == (422, "release-of-others")
    alike = south.form(master(tmp_path), **{**theirs, **of})
    assert (alike.status, alike.reason) == (422, "release-of-others")
    (found,) = place.listener().ask("GET", f"/api/v1/search?q={upc}").json["releases"]
    assert (found["title"], found["artist"]) == ("Rivers", "Ada")
    assert south.form(master(tmp_path), **theirs).status == 202
    own = label.form(master(tmp_path), title="Two", upc=upc, isrc="QZABC2600014", **of)
    assert own.status == 202


@pytest.mark.parametrize(
    "name", ["../../../../etc/cron.d/x.flac", "a\\b\\..\\-rf *.flac", "\u202egnp.flac", ".."]
)
def test_a_name_is_harmless(place: Place, label: Label, tmp_path: Path, name: str) -> None:
    data = master(tmp_path)
    url = label.begin(len(data), filename=name)
    (folder,) = place.home.glob(f"uploads/{url.rpartition('/')[2]}/master")
    (file,) = folder.iterdir()
    assert re.fullmatch(r"[\w.-][\w. -]*", file.name)
    assert not file.name.startswith((".", "-"))
    done = label.append(url, 0, data)
    assert done.status == 204
    assert done.headers["Location"] == done.headers["Headwater-Job"]


def test_a_form_is_a_job_at_once(label: Label, tmp_path: Path) -> None:
    answer = label.form(master(tmp_path), "x.flac", title="From a form", genre="ambient")
    assert answer.status == 202
    assert answer.headers["Location"] == answer.json["url"]
    assert answer.json["state"] in {"queued", "running"}
    assert answer.json["estimate_s"] > 3
    assert label.job_done(answer.json["url"])["state"] == "done"


def test_a_pause_and_other_ways_to_say_patch(label: Label, tmp_path: Path) -> None:
    """Creation with the first bytes, a checksum for each piece, the method in a header."""
    data = master(tmp_path)
    first, second, third = data[:100], data[100:5000], data[5000:]
    created = label.ask(
        "POST",
        UPLOADS,
        first,
        CHUNK,
        Upload_Length=len(data),
        Upload_Checksum=checksum("sha1", first),
    )
    assert (created.status, created.offset) == (201, 100)
    url = created.headers["Location"]
    expires = parsedate_to_datetime(created.headers["Upload-Expires"])
    assert 86000 < (expires - datetime.now(UTC)).total_seconds() < 86500
    wrong = label.append(url, 100, second, Upload_Checksum=checksum("sha256", b"others"))
    assert (wrong.status, wrong.reason) == (460, "checksum-mismatch")
    head = label.head(url)
    assert (head.status, head.offset, head.headers["Upload-Length"]) == (200, 100, str(len(data)))
    assert head.headers["Cache-Control"] == "no-store"
    right = label.append(url, 100, second, Upload_Checksum=checksum("sha256", second))
    assert (right.status, right.offset) == (204, 5000)
    done = label.ask("POST", url, third, CHUNK, Upload_Offset=5000, X_HTTP_Method_Override="PATCH")
    assert (done.status, done.offset) == (204, len(data))


def checksum(name: str, data: bytes) -> str:
    return f"{name} {base64.b64encode(hashlib.new(name, data).digest()).decode()}"


def test_what_is_wrong_is_refused_and_nothing_is_counted(label: Label) -> None:
    url = label.begin(1000)
    patch = {**CHUNK, "Upload-Offset": 0}
    cases: list[tuple[int, str, str, str, bytes | None, Mapping[str, object]]] = [
        (412, "tus-version", "PATCH", url, b"x", {**patch, "Tus-Resumable": "0.2.2"}),
        (412, "tus-version", "POST", UPLOADS, None, {"Upload-Length": 5}),
        (415, "chunk-type", "PATCH", url, b"x", {**patch, "Content-Type": "text/plain"}),
        (409, "wrong-offset", "PATCH", url, b"x", {**patch, "Upload-Offset": 1}),
        (400, "bad-length", "PATCH", url, b"x", {**patch, "Upload-Offset": "-1"}),
        (400, "bad-length", "PATCH", url, b"x", CHUNK),
        (413, "upload-too-long", "PATCH", url, b"x" * 1001, patch),
        (400, "checksum-algorithm", "PATCH", url, b"x", {**patch, "Upload-Checksum": "crc32 AAAA"}),
        (400, "bad-checksum", "PATCH", url, b"x", {**patch, "Upload-Checksum": "sha1 AAAA"}),
        (405, "method-not-allowed", "POST", url, None, TUS),
        (404, "no-upload", "PATCH", f"{UPLOADS}/{'0' * 32}", b"x", patch),
        (400, "bad-length", "POST", UPLOADS, None, TUS),
        (400, "bad-length", "POST", UPLOADS, None, {**TUS, "Upload-Length": "1e6"}),
        (413, "upload-too-large", "POST", UPLOADS, None, {**TUS, "Upload-Length": 30_000_001}),
        (400, "bad-length", "POST", UPLOADS, None, {**TUS, "Upload-Length": 0}),
        *(
            (400, "bad-metadata", "POST", UPLOADS, None, {**TUS, "Upload-Length": 5, **said})
            for said in (
                {"Upload-Metadata": "title !"},
                {"Upload-Metadata": "title YQ==,title YQ=="},
                {"Upload-Metadata": "title /w=="},
            )
        ),
    ]
    for status, reason, method, where, body, headers in cases:
        answer = label.ask(method, where, body, headers)
        assert (answer.status, answer.reason) == (status, reason), (method, headers)
        assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert label.head(url).offset == 0
    assert label.ask("DELETE", url, headers=TUS).status == 204
    assert label.head(url).status == 410
    assert label.append(url, 0, b"x").reason == "upload-ended"


def test_only_a_label_uploads_and_only_its_own(place: Place, label: Label) -> None:
    url = label.begin(1000)
    for who, status in (
        (Label(place.url, ""), 401),
        (place.listener(), 403),
        (place.operator(), 403),
    ):
        for method, where in (("POST", UPLOADS), ("PATCH", url), ("GET", url), ("DELETE", url)):
            assert who.ask(method, where, headers=TUS).status == status
    other = place.label("label:south")
    for method in ("HEAD", "GET", "DELETE"):
        assert other.ask(method, url, headers=TUS).status == 404
    assert other.append(url, 0, b"x").status == 404


def test_a_label_has_limits_of_its_own(place: Place) -> None:
    assert place.label("label:small").create(1001).reason == "upload-too-large"
    few = place.label("label:few")
    urls = [few.begin(10), few.begin(10)]
    refused = few.create(10)
    assert (refused.status, refused.reason) == (429, "too-many-uploads")
    assert refused.headers["Retry-After"]
    few.ask("DELETE", urls[0], headers=TUS)
    few.begin(10)
    daily = place.label("label:daily")
    url = daily.begin(1000)
    assert daily.create(501).reason == "upload-quota"
    daily.append(url, 0, b"x" * 10)
    daily.ask("DELETE", url, headers=TUS)  # what came of it still counts
    assert daily.create(1491).reason == "upload-quota"
    daily.begin(1490)
    busy = place.label("label:busy")
    for _ in range(2):
        busy.ask("DELETE", busy.begin(10), headers=TUS)
    kept = place.kept
    refused = busy.create(10)  # what has ended was begun, too: it cost us folders and a row
    assert (refused.status, refused.reason) == (429, "upload-quota")
    assert place.kept == kept


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"isrc": "QZABC26"}, "bad-isrc"),
        ({"upc": "123"}, "bad-upc"),
        ({"title": "x" * 31}, "bad-title"),
        ({"genre": "Polka"}, "bad-genre"),
    ],
)
def test_what_is_said_is_looked_at_before_anything_is_sent(
    label: Label, fields: dict[str, str], reason: str
) -> None:
    answer = label.create(1000, **fields)
    assert (answer.status, answer.reason) == (422, reason)


def test_what_is_no_master_makes_no_job_and_leaves_nothing(
    place: Place, label: Label, tmp_path: Path
) -> None:
    before = place.kept
    long = master(tmp_path, 11)
    short = masters.wav(tmp_path / "w.wav", masters.music(1.5)).read_bytes()
    untagged = masters.flac(tmp_path / "u.flac", masters.music(1.5)).read_bytes()
    for data, reason, words in (
        (b"#EXTM3U\nfile:///etc/passwd\n", "bad-master", "a playlist"),
        (b"ID3\x04" + bytes(2000), "bad-master", "MP3"),
        (b"MZ" + bytes(3000), "bad-master", "not an audio file"),
        (short[: len(short) // 2], "bad-master", "truncated"),
        (long, "bad-duration", "11.0 s"),
        (untagged, "bad-genre", "Ambient"),
    ):
        answer = label.send(data, filename="b.wav")
        assert (answer.status, answer.reason) == (422, reason), answer
        assert words in answer.json["detail"]
        assert str(place.home) not in answer.body.decode()
        if len(data) < SETTINGS["form_bytes"]:
            assert label.form(data).reason == reason
    assert set(place.kept) <= set(before)


def test_a_label_is_told_what_is_its_masters_fault_and_nothing_of_ours(
    place: Place, label: Label, tmp_path: Path
) -> None:
    job = label.form(master(tmp_path), "mine.flac").json
    label.job_done(job["url"])
    for fault, told in (("service", "whoever runs this service"), ("master", "mine.flac: cut off")):
        with closing(sqlite3.connect(place.home / "catalog.db", timeout=10)) as catalog, catalog:
            catalog.execute(
                "UPDATE jobs SET state = 'failed', fault = ?, error = source || ': cut off' "
                "WHERE job_id = ?",
                (fault, job["job_id"]),
            )
        error = label.ask("GET", job["url"]).json["error"]
        assert told in error
        assert str(place.home) not in error


def test_a_form_is_what_it_should_be(place: Place, label: Label) -> None:
    before = place.kept
    assert label.form(b"x" * 2_000_001).status == 413
    assert label.form(b"").reason == "upload-incomplete"
    kind = "multipart/form-data; boundary=b"
    for body, reason in (
        (b"", "malformed-form"),
        (b"nothing", "malformed-form"),
        (b"--b\r\nContent-Disposition: form-data; name=title\r\n\r\nA\r\n--b--\r\n", "no-file"),
        (b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nfLaC', "malformed-form"),
    ):
        answer = label.ask("POST", UPLOADS, body, Content_Type=kind)
        assert (answer.status, answer.reason) == (400, reason), body
    assert set(place.kept) <= set(before)


def test_who_comes_back_takes_the_upload_over(label: Label, tmp_path: Path) -> None:
    """A broken connection looks alive to the server: the next request does not wait for it."""
    data = master(tmp_path, 5)
    url = label.begin(len(data))
    first = label.connect()
    first.putrequest("PATCH", url.removeprefix(label.url))
    for name, value in {
        **CHUNK,
        "Upload-Offset": 0,
        "Content-Length": len(data),
        "Authorization": f"Bearer {label.token}",
    }.items():
        first.putheader(name, str(value))
    first.endheaders()
    first.send(data[:200_000])  # and then nothing
    began = time.monotonic()
    time.sleep(0.3)
    offset = label.head(url).offset
    assert time.monotonic() - began < 2
    assert offset == 200_000
    assert first.getresponse().status == 503
    assert label.append(url, offset, data[offset:]).status == 204
    first.close()


def test_a_silent_client_is_given_up(label: Label) -> None:
    url = label.begin(1000)
    connection = label.connect()
    connection.putrequest("PATCH", url.removeprefix(label.url))
    for name, value in {
        **CHUNK,
        "Upload-Offset": 0,
        "Content-Length": 1000,
        "Authorization": f"Bearer {label.token}",
    }.items():
        connection.putheader(name, str(value))
    connection.endheaders()
    connection.send(b"x" * 10)
    response = connection.getresponse()
    assert response.status == 408
    assert label.head(url).offset == 10
    connection.close()


def test_a_silent_form_is_given_up_the_same(place: Place, label: Label) -> None:
    """In its file, or before it; what had come of it is not kept."""
    before = place.kept
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF'
    connections = []
    for sent in (head, b"--b\r\nContent-Disposition: form-data;"):
        connection = label.connect()
        connection.putrequest("POST", UPLOADS)
        for name, value in {
            "Content-Type": "multipart/form-data; boundary=b",
            "Content-Length": "1000",
            "Authorization": f"Bearer {label.token}",
        }.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(sent)
        connections.append(connection)
    for connection in connections:
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["reason"]) == (408, "upload-silent")
        connection.close()
    assert set(place.kept) <= set(before)


def test_a_beginning_that_is_refused_leaves_nothing(place: Place, label: Label) -> None:
    """creation-with-upload: its answer has no Location, so nobody could go on with it."""
    before = place.kept
    for body, size, wrong, status in ((b"x" * 20, 10, {}, 413), (b"x", 10, SHA1_OF_NOTHING, 460)):
        answer = label.ask(
            "POST", UPLOADS, body, CHUNK, Upload_Length=size, Upload_Metadata="", **wrong
        )
        assert (answer.status, "Location" in answer.headers) == (status, False), answer
    assert set(place.kept) <= set(before)


def test_requests_side_by_side_never_mix(label: Label, tmp_path: Path) -> None:
    """Eight clients send the same upload at once; whatever each is told, the file is the file."""
    data = master(tmp_path, 6)
    url = label.begin(len(data))
    statuses: list[int] = []

    def send() -> None:
        for _ in range(30):
            head = label.head(url)
            if head.status == 200 and head.offset == len(data):
                return
            if head.status == 200:
                piece = data[head.offset : head.offset + 60_000]
                statuses.append(label.append(url, head.offset, piece).status)

    clients = [threading.Thread(target=send) for _ in range(8)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert set(statuses) <= {204, 409, 423, 503}
    job = label.job_done(label.head(url).headers["Headwater-Job"])
    assert job["state"] == "done", job  # a FLAC's MD5 is of all its samples


def test_what_expired_is_gone(place: Place, label: Label) -> None:
    url = label.begin(1000)
    upload_id = url.rpartition("/")[2]
    with sqlite3.connect(place.home / "catalog.db") as catalog:
        past = "2026-01-01 00:00:00.000000"
        catalog.execute("UPDATE uploads SET expires_at = ? WHERE upload_id = ?", (past, upload_id))
    catalog.close()
    answer = label.append(url, 0, b"x")
    assert (answer.status, answer.reason) == (410, "upload-ended")
    shutil.rmtree(place.home / "uploads" / upload_id)


def test_metadata_comes_back(label: Label) -> None:
    said = {"filename": "a b.flac", "title": "Ä"}
    url = label.begin(1000, **said, relativePath="null")
    assert label.head(url).headers["Upload-Metadata"] == metadata(said)
    assert label.ask("GET", url).json["fields"] == {"title": "Ä"}
