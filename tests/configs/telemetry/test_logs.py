from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator

import pytest

from configs.telemetry import context, logs


@pytest.fixture(autouse=True)
def only_ours() -> Iterator[None]:
    root = logging.getLogger()
    before = list(root.handlers)
    root.handlers.clear()
    yield
    root.handlers[:] = before


def test_a_line_for_people_says_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("text")
    with context.working_on(job="j1"):
        logging.getLogger("pipeline").warning("it %s", "failed")
    logging.getLogger("pipeline").warning("nothing special")
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"[-\d]+ [:,\d]+ WARNING pipeline: it failed \[job j1\]", first)
    assert second.endswith("pipeline: nothing special")


def test_a_line_for_programs_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("text")
    logs.set_up("json")
    with context.working_on(request="r1"):
        try:
            raise OSError("two\nlines")  # noqa: TRY301
        except OSError:
            extra = {"fields": {"status": 500}}
            logging.getLogger("origin").exception("a\nb", extra=extra)
    (line,) = capsys.readouterr().err.splitlines()
    read = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", read.pop("time"))
    assert "two\nlines" in read.pop("traceback")
    del read["pid"]
    assert read == {
        "level": "error",
        "logger": "origin",
        "message": "a\nb",
        "request": "r1",
        "status": 500,
    }


async def test_each_task_is_about_its_own() -> None:
    async def work(name: str) -> str:
        context.begin(request=name)
        await asyncio.sleep(0)
        return context.about()["request"]

    assert await asyncio.gather(*(asyncio.create_task(work(one)) for one in "ab")) == ["a", "b"]
    assert context.about() == {}
