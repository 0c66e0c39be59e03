from __future__ import annotations

from pathlib import Path

import pytest

from packager.model import Kid, Scheme
from pipeline.errors import WrongRequest
from pipeline.raw_keys import RawKey, RawKeys, parse_key, read_key_file

KID, KEY, IV = "000102030405060708090a0b0c0d0e0f", "f0" * 16, "1122334455667788"
KID_2, KEY_2 = "00" * 15 + "02", "f2" * 16
A, B = bytes(32), b"\1" * 32  # digests of two inputs


def _raw(kid: str = KID, key: str = KEY, iv: str | None = None) -> RawKey:
    return RawKey(Kid.parse(kid), bytes.fromhex(key), bytes.fromhex(iv) if iv else None)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"{KID}:{KEY}", RawKeys(_raw())),
        (f"{KID.upper()}:{KEY}:{IV}", RawKeys(_raw(iv=IV))),
        (f"00010203-0405-0607-0809-0a0b0c0d0e0f:{KEY}", RawKeys(_raw())),
        # As Shaka Packager has it
        (f"label=:key_id={KID}:key={KEY}", RawKeys(_raw())),
        (f"label=premium:key_id={KID}:key={KEY}:iv={IV}", RawKeys(tiers={"premium": _raw(iv=IV)})),
    ],
)
def test_keys_of_a_command_line(text: str, wanted: RawKeys) -> None:
    assert parse_key(text) == wanted


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (KID, "KID:KEY or KID:KEY:IV is wanted"),
        (f"{KID}:{KEY}:{IV}:00", "KID:KEY or KID:KEY:IV is wanted"),
        (f"{KID}:{KEY[:-2]}", "key: 32 hexadecimal digits"),
        (f"{KID[:-1]}:{KEY}", "kid: hexadecimal digits"),
        (f"{KID}:{KEY[:-1]}x", "key: hexadecimal digits"),
        (f"{KID}:{KEY}:zz", "iv: hexadecimal digits"),
        (f"key_id={KID}:kee={KEY}", "label, key_id, key and iv"),
        (f"key_id={KID}", "kid and key are wanted"),
    ],
)
def test_wrong_keys_are_never_repeated(text: str, problem: str) -> None:
    with pytest.raises(WrongRequest, match=problem) as caught:
        parse_key(text)
    assert KEY[:8] not in str(caught.value)


def test_a_key_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(
        f'default: {{kid: "{KID}", key: "{KEY}"}}\n'
        f'tiers:\n  premium: {{kid: "{KID_2}", key: "{KEY_2}"}}\n'
        f'inputs:\n  song.flac: {{kid: "{KID}", key: "{KEY_2}", iv: "{IV}"}}\n'
    )

    keys = read_key_file(path)

    assert keys.of("song.flac", "premium") == _raw(key=KEY_2, iv=IV)
    assert keys.of("song.m4a", "premium") == _raw(KID_2, KEY_2)
    assert keys.of("song.m4a", "free") == _raw()
    assert keys.merged(parse_key(f"{KID_2}:{KEY_2}")).of("song.m4a", "free") == _raw(KID_2, KEY_2)
    assert RawKeys().of("song.m4a", "free") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"key: '{KEY}\n", ":2: this is not YAML"),
        ("[1, 2]", "a mapping of default, tiers and inputs"),
        (f"kez: {KEY}", "a mapping of default, tiers and inputs"),
        ("tiers: 3", "tiers: a mapping is wanted"),
        (f"tiers: {{free: {KEY}}}", "tiers.free: kid and key are wanted"),
        (f"default: {{kid: '{KID}', key: {'1' * 32}}}", "key: hexadecimal digits in quotes"),
        (f"default: {{kid: '{KID}', key: '{KEY}', extra: 1}}", "kid and key are wanted"),
        ("\ufffe\0", "this is not YAML"),
    ],
)
def test_wrong_key_files_say_where_and_never_what(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(text)

    with pytest.raises(WrongRequest, match=problem) as caught:
        read_key_file(path)
    assert str(path) in str(caught.value)
    assert KEY[:8] not in str(caught.value)
    assert "1" * 8 not in str(caught.value)


def test_derived_ivs_follow_from_key_and_content() -> None:
    key = _raw()
    cenc = [key.protection(Scheme.CENC, content, 0).iv for content in (A, B, A)]
    cbcs = [key.protection(Scheme.CBCS, content, 0).iv for content in (A, B)]

    assert cenc[0] == cenc[2] != cenc[1], "audio that changed never meets old counters"
    assert cbcs[0] == cbcs[1], "one constant IV for each key, as FairPlay delivers them"
    assert [len(cenc[0]), len(cbcs[0])] == [8, 16]
    assert _raw(key=KEY_2).protection(Scheme.CBCS, A, 0).iv != cbcs[0]


def test_a_given_iv_counts_from_a_place_of_its_own_for_each_input() -> None:
    key = _raw(iv="fffffffe00000000")
    found = [key.protection(Scheme.CENC, A, number).iv.hex() for number in range(3)]

    assert found == ["fffffffe00000000", "ffffffff00000000", "0000000000000000"]
    with pytest.raises(WrongRequest, match="cbcs takes an IV of 16 bytes, not 8"):
        key.protection(Scheme.CBCS, A, 0)


def test_a_printed_key_does_not_tell_itself() -> None:
    assert KEY not in repr(parse_key(f"{KID}:{KEY}:{IV}"))
    assert "xf0" not in repr(parse_key(f"{KID}:{KEY}:{IV}"))
