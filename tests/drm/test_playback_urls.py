from __future__ import annotations

import pytest

from drm.playback_urls import license_urls, playback_urls

FOLDER = "/v1/t/TOKEN/tracks/tabc/0123456789abcdef/standard-premium"


@pytest.mark.parametrize("base", ["https://cdn.example/music", "https://cdn.example/music/"])
def test_urls_lie_under_the_base(base: str) -> None:
    urls = playback_urls(base, "TOKEN", "tabc", "0123456789abcdef", "standard-premium")
    root = "https://cdn.example/music"
    assert urls.hls == f"{root}{FOLDER}/hls/multivariant.m3u8"
    assert urls.hls_identity == f"{root}{FOLDER}/hls-identity/multivariant.m3u8"
    assert urls.dash == f"{root}{FOLDER}/dash/manifest.mpd"
    assert urls.license == f"{root}/license/clearkey?token=TOKEN"


def test_licenses_by_key_system() -> None:
    found = license_urls("https://a.example/", "1.t", ("widevine", "fairplay"))
    assert found == {
        "org.w3.clearkey": "https://a.example/license/clearkey?token=1.t",
        "com.widevine.alpha": "https://a.example/license/widevine?token=1.t",
        "com.apple.fps": "https://a.example/license/fairplay?token=1.t",
    }
