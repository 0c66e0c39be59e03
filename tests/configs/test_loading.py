"""Where settings come from, which wins, and how a wrong one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.errors import ConfigError
from configs.loading import load_settings, setting_keys
from configs.settings import OriginSettings, Settings
from scripts.settings_page import SOURCE, settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "headwater.yaml"


def problems(path: Path | None, env: dict[str, str] | None = None, **flags: object) -> list[str]:
    dotted = {key.replace("__", "."): value for key, value in flags.items()}
    with pytest.raises(ConfigError) as caught:
        load_settings(path, env or {}, dotted)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return list(caught.value.problems)


def test_nothing_given_is_the_defaults_and_says_so() -> None:
    loaded = load_settings(None, {}, {})
    assert loaded.settings == Settings()
    assert set(loaded.sources.values()) == {"default"}
    assert len(loaded.sources) == len(list(setting_keys()))


def test_later_wins_and_the_source_of_each_is_known(file: Path) -> None:
    file.write_text("origin:\n  port: 1\n  workers: 2\n  host: a\n")
    env = {"HEADWATER_ORIGIN__PORT": "2", "HEADWATER_ORIGIN__WORKERS": "3", "PATH": "/bin"}
    loaded = load_settings(file, env, {"origin.port": 3, "origin.host": None})
    assert (loaded.settings.origin.port, loaded.sources["origin.port"]) == (3, "flag")
    assert loaded.settings.origin.workers == 3
    assert loaded.sources["origin.workers"] == "HEADWATER_ORIGIN__WORKERS"
    assert (loaded.settings.origin.host, loaded.sources["origin.host"]) == ("a", f"{file}:4")


def test_the_environment_names_home_and_file(file: Path) -> None:
    file.write_text("tenant: label\nhome: ignored\n")
    env = {"HEADWATER_CONFIG": str(file), "HEADWATER_HOME": "/srv/headwater"}
    loaded = load_settings(None, env, {})
    assert (loaded.settings.home, loaded.settings.tenant) == (Path("/srv/headwater"), "label")
    assert loaded.sources["home"] == "HEADWATER_HOME"


def test_a_file_that_is_passed_wins_over_the_one_in_the_environment(file: Path) -> None:
    file.write_text("tenant: label\n")
    loaded = load_settings(file, {"HEADWATER_CONFIG": "/nowhere.yaml"}, {})
    assert loaded.settings.tenant == "label"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("INGEST__JOBS", "4", 4),
        ("INGEST__JOBS", "", None),
        ("INGEST__JOBS", "null", None),
        ("INGEST__SEGMENT_S", "2.5", 2.5),
        ("INGEST__LADDER", "my/ladder.yaml", Path("my/ladder.yaml")),
        ("DRM__ISSUER", "1234", "1234"),
        ("DRM__SUBSCRIPTIONS", "{all: [standard]}", {"all": ("standard",)}),
        ("ORIGIN__TRUSTED_PROXIES", "10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")),
        ("ORIGIN__TRUSTED_PROXIES", '["::1"]', ("::1",)),
        ("ORIGIN__TRUSTED_PROXIES", "", ()),
    ],
)
def test_a_variable_is_read_as_its_setting_wants(key: str, text: str, value: object) -> None:
    settings = load_settings(None, {f"HEADWATER_{key}": text}, {}).settings
    section, name = key.lower().split("__")
    assert getattr(getattr(settings, section), name) == value


def test_every_setting_of_the_page_can_be_set_by_its_variable() -> None:
    rows = [one for one in settings(SOURCE.read_text()) if one.value is not None]
    assert len(rows) > 100
    env = {one.variable: str(one.value).strip('"') for one in rows}  # as a shell would
    loaded = load_settings(None, env, {})
    assert loaded.settings == Settings()
    assert set(loaded.sources.values()) == set(env)


def test_a_part_with_keys_of_its_own_is_yaml_in_a_variable() -> None:
    env = {
        "HEADWATER_UPLOADS__LIMITS": "{max_bytes: 7}",
        "HEADWATER_DRM__SPEKE_RECIPIENTS": "~/a.pem, b.pem",
    }
    loaded = load_settings(None, env, {}).settings
    assert (loaded.uploads.limits.max_bytes, loaded.uploads.limits.concurrent) == (7, 20)
    assert loaded.drm.speke_recipients == (Path.home() / "a.pem", Path("b.pem"))


def test_a_rate_is_of_a_subscription() -> None:
    (problem,) = problems(None, {"HEADWATER_API__RATES": "{fre: 1}"})
    assert "api.rates: 'fre' is none of drm.subscriptions" in problem
    load_settings(None, {"HEADWATER_DRM__SUBSCRIPTIONS": "{basic: [standard]}"}, {})


def test_paths_in_a_file_are_relative_to_the_file(file: Path, tmp_path: Path) -> None:
    file.write_text(
        "home: data\nstorage: {path: /srv/storage}\ningest: {temp: ~/tmp}\n"
        "drm: {speke_recipients: [a.pem, ~/b.pem]}\n"
    )
    settings = load_settings(file, {"HEADWATER_INGEST__LADDER": "l.yaml"}, {}).settings
    assert settings.home == tmp_path / "data"
    assert settings.storage.path == Path("/srv/storage")
    assert settings.ingest.temp == Path.home() / "tmp"
    assert settings.ingest.ladder == Path("l.yaml")
    assert settings.drm.speke_recipients == (tmp_path / "a.pem", Path.home() / "b.pem")


def test_a_section_whose_keys_are_all_commented_out_is_fine(file: Path) -> None:
    file.write_text("ingest:\n  # jobs: 4\norigin:\n")
    assert load_settings(file, {}, {}).settings == Settings()


def test_an_empty_file_is_fine(file: Path) -> None:
    file.write_text("# nothing yet\n")
    assert load_settings(file, {}, {}).settings == Settings()


def test_every_wrong_setting_is_told_at_once_with_its_place(file: Path) -> None:
    file.write_text(
        "ingest:\n  jobs: 0\n  scheme: des\norigin:\n  prt: 80\ndrm:\n  playback_ttl_s: soon\n"
    )
    env = {"HEADWATER_ORIGIN__PORT": "http", "HEADWATER_ORIGN__HOST": "a"}
    assert sorted(problems(file, env, ingest__segment_s=60)) == sorted(
        [
            f"{file}:2: ingest.jobs: value 0 is not allowed: a whole number from 1 to 256, or null",
            f"{file}:3: ingest.scheme: value 'des' is not allowed: cbcs, cenc or clear",
            (
                f"{file}:5: origin.prt: is not a setting: did you mean port? allowed: "
                f"{', '.join(OriginSettings.model_fields)}"
            ),
            (
                f"{file}:7: drm.playback_ttl_s: value 'soon' is not allowed: "
                "a whole number from 5 to 86400"
            ),
            (
                "HEADWATER_ORIGIN__PORT: origin.port: value 'http' is not allowed: "
                "a whole number from 0 to 65535"
            ),
            (
                "HEADWATER_ORIGN__HOST: orign.host: is not a setting: did you mean origin? "
                f"allowed: {', '.join(Settings.model_fields)}"
            ),
            "flag: ingest.segment_s: value 60 is not allowed: a number from 1 to 10",
        ]
    )


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("tenant: Big Label\n", 1, "tenant: value 'Big Label' is not allowed: a name like"),
        ("ingest: 4\n", 1, "ingest: value 4 is not allowed: a section"),
        ("origin: {port: yes}\n", 1, "origin.port: value True is not allowed: a whole number"),
        ("ingest: {segment_s: .nan}\n", 1, "ingest.segment_s: value nan is not allowed"),
        ("ingest: {segment_s: .inf}\n", 1, "ingest.segment_s: value inf is not allowed"),
        ("origin: {host: null}\n", 1, "origin.host: value None is not allowed: text"),
        ("drm:\n  subscriptions:\n    free: [Hi-Fi]\n", 3, "drm.subscriptions.free[0]: value"),
        ("drm:\n  subscriptions:\n    free: standard\n", 3, "drm.subscriptions.free: value"),
        (
            "origin:\n  trusted_proxies:\n    - 10.0.0.1/8\n",
            3,
            "origin.trusted_proxies[0]: value '10.0.0.1/8' is not allowed: 10.0.0.1/8 has host",
        ),
        ("\norigin:\n  tls_key: a.pem\n", 2, "origin: tls_certificate and tls_key go together"),
        ("origin: {public_url: 'ftp://x'}\n", 1, "origin.public_url: value 'ftp://x' is not"),
        ("home: ''\n", 1, "home: value '' is not allowed: a path, not empty"),
        ("tenant: a\ntenant: b\n", 2, "tenant: is set twice"),
        ("ingest:\n  jobs: 1\n  jobs: 2\n", 3, "ingest.jobs: is set twice"),
        ("tenant: a\n  b: c\n", 2, "is not YAML: mapping values are not allowed here"),
        ("tenant: *x\n", 1, "is not YAML: found undefined alias"),
        ("? [a]\n: b\n", 1, "a key must be a word"),
        ("tenant: !!python/object:os.system x\n", 1, "is not YAML: could not determine"),
        ("drm:\n  subscriptions: &a\n    free: *a\n", 2, "is nested too deeply"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(
    file: Path, text: str, line: int, problem: str
) -> None:
    file.write_text(text)
    assert any(one.startswith(f"{file}:{line}: {problem}") for one in problems(file))


def test_a_file_that_is_no_mapping_is_refused(file: Path) -> None:
    file.write_text("- origin\n")
    assert problems(file) == [f"{file}: is not a mapping of sections, such as `origin:`"]


def test_a_file_that_cannot_be_read_is_named(file: Path, tmp_path: Path) -> None:
    assert problems(file) == [f"{file}: cannot be read: no such file or directory"]
    assert problems(tmp_path) == [f"{tmp_path}: cannot be read: is a directory"]
    file.write_bytes(b"tenant: \xff\n")
    assert problems(file) == [f"{file}: is not UTF-8 text (byte 8)"]
    file.write_bytes(b"tenant: \x00\n")
    assert problems(file)[0].startswith(f"{file}: is not YAML: ")


@pytest.mark.parametrize(
    "name",
    ["HEADWATER_X", "HEADWATER_ORIGIN", "HEADWATER_ORIGIN__", "HEADWATER_", "HEADWATER_A__B"],
)
def test_a_variable_that_means_nothing_is_refused(name: str) -> None:
    (problem,) = problems(None, {name: "secret-value"})
    assert problem.startswith(f"{name}: ")
    assert "is not a setting" in problem
    assert "secret-value" not in problem


def test_a_variable_that_is_no_yaml_is_refused() -> None:
    (problem,) = problems(None, {"HEADWATER_DRM__SUBSCRIPTIONS": "{free: ["})
    assert problem.startswith("HEADWATER_DRM__SUBSCRIPTIONS: drm.subscriptions: value '{free: ['")


def test_a_flag_that_means_nothing_is_refused() -> None:
    (problem,) = problems(None, None, origin__colour="red")
    assert problem.startswith("flag: origin.colour: is not a setting: ")


def test_a_password_never_shows(file: Path) -> None:
    file.write_text("catalog:\n  url: postgresql://label:hunter2@db/headwater?password=hunter3\n")
    (problem,) = problems(file)
    assert "value 'postgresql://label:***@db/headwater?password=***' is not allowed" in problem
    assert "hunter" not in problem


def test_an_unknown_key_does_not_show_its_value(file: Path) -> None:
    file.write_text("drm:\n  kek: hunter2\n")
    assert "hunter2" not in "".join(problems(file))


def test_a_long_value_is_cut() -> None:
    (problem,) = problems(None, {"HEADWATER_TENANT": "x" * 10_000})
    assert len(problem) < 300
