from __future__ import annotations

import re

from pipeline.identity import Identity, IdentityKind, identify, release_id, revision_id, track_id

SHA = "ab" * 32
TRACK_ID = "tcncrocu4zdedgebw7zup"


def test_isrc_wins_over_own_id_over_hash() -> None:
    assert identify("QZABC2600001", "own", SHA) == Identity(IdentityKind.ISRC, "QZABC2600001")
    assert identify(None, "own", SHA) == Identity(IdentityKind.OPERATOR, "own")
    assert identify(None, None, SHA) == Identity(IdentityKind.MASTER, SHA)


def test_track_ids_are_pinned() -> None:
    # They are in URLs for ever: another value here breaks every published link.
    assert track_id("default", Identity(IdentityKind.ISRC, "QZABC2600001")) == TRACK_ID
    assert re.fullmatch(r"t[a-z2-7]{20}", TRACK_ID)


def test_a_tenant_and_a_kind_of_their_own_make_another_id() -> None:
    one = Identity(IdentityKind.ISRC, "X")
    assert track_id("a", one) != track_id("b", one)
    assert track_id("a", one) != track_id("a", Identity(IdentityKind.OPERATOR, "X"))


def test_upc_names_a_release_whatever_its_spelling() -> None:
    with_zero = release_id("default", "0012345678905", "Ada", "Rivers")
    assert with_zero == release_id("default", "012345678905", "Someone", "else")


def test_an_album_is_the_same_however_it_is_typed() -> None:
    assert release_id("default", None, "Beyoncé ", "RIVERS") == release_id(
        "default", None, "BEYONCE", "Rivers"
    )
    assert release_id("default", None, "Ada", "Rivers") != release_id(
        "default", None, "Bo", "Rivers"
    )


def test_a_revision_is_named_by_its_files_and_its_master() -> None:
    one = revision_id({"a": "1", "b": "2"}, SHA)
    assert one == revision_id({"b": "2", "a": "1"}, SHA)
    assert re.fullmatch(r"[0-9a-f]{16}", one)
    assert one != revision_id({"a": "1", "b": "3"}, SHA)
    assert one != revision_id({"a": "1", "b": "2"}, "cd" * 32)
