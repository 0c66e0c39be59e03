"""SPEKE requests as packagers write them: every preset with every mix of key systems."""

from __future__ import annotations

import itertools
from uuid import UUID, uuid5

WIDEVINE = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"
PLAYREADY = "9a04f079-9840-4286-ab92-e65be0885f95"
FAIRPLAY = "94ce86fb-07ff-4f43-adb8-93d2fa968ca2"
SYSTEMS = (WIDEVINE, PLAYREADY, FAIRPLAY)
MIXES = [mix for size in (1, 2, 3) for mix in itertools.combinations(SYSTEMS, size)]

# AWS's presets: the names of the track types of each key.
VIDEO_PRESETS: dict[str, tuple[str, ...]] = {
    "PRESET-VIDEO-1": ("VIDEO",),
    "PRESET-VIDEO-2": ("SD", "HD"),
    "PRESET-VIDEO-3": ("SD", "HD", "UHD"),
    "PRESET-VIDEO-4": ("SD", "HD", "UHD1", "UHD2"),
    "PRESET-VIDEO-5": ("SD", "HD1", "HD2", "UHD1", "UHD2"),
    "PRESET-VIDEO-6": ("SD", "HD1", "HD2", "UHD"),
    "PRESET-VIDEO-7": ("SD+HD1", "HD2", "UHD"),
    "PRESET-VIDEO-8": ("SD+HD1", "HD2", "UHD1", "UHD2"),
    "UNENCRYPTED": (),
}
AUDIO_PRESETS: dict[str, tuple[str, ...]] = {
    "PRESET-AUDIO-1": ("AUDIO",),
    "PRESET-AUDIO-2": ("STEREO_AUDIO", "MULTICHANNEL_AUDIO"),
    "PRESET-AUDIO-3": ("STEREO_AUDIO", "MULTICHANNEL_AUDIO_3_6", "MULTICHANNEL_AUDIO_7"),
    "UNENCRYPTED": (),
}
# Every pair of them that encrypts something, and SHARED for both.
PRESETS = {
    f"{video} {audio}": VIDEO_PRESETS[video] + AUDIO_PRESETS[audio]
    for video, audio in itertools.product(VIDEO_PRESETS, AUDIO_PRESETS)
    if VIDEO_PRESETS[video] or AUDIO_PRESETS[audio]
} | {"SHARED SHARED": ("ALL",)}

_FILTERS = {
    "ALL": "<cpix:VideoFilter /><cpix:AudioFilter />",
    "VIDEO": "<cpix:VideoFilter />",
    "SD": '<cpix:VideoFilter maxPixels="589824" />',
    "HD": '<cpix:VideoFilter minPixels="589825" maxPixels="2073600" />',
    "HD1": '<cpix:VideoFilter minPixels="589825" maxPixels="921600" />',
    "HD2": '<cpix:VideoFilter minPixels="921601" maxPixels="2073600" />',
    "SD+HD1": '<cpix:VideoFilter maxPixels="921600" />',
    "UHD": '<cpix:VideoFilter minPixels="2073601" />',
    "UHD1": '<cpix:VideoFilter minPixels="2073601" maxPixels="8847360" />',
    "UHD2": '<cpix:VideoFilter minPixels="8847361" />',
    "AUDIO": "<cpix:AudioFilter />",
    "STEREO_AUDIO": '<cpix:AudioFilter maxChannels="2" />',
    "MULTICHANNEL_AUDIO": '<cpix:AudioFilter minChannels="3" />',
    "MULTICHANNEL_AUDIO_3_6": '<cpix:AudioFilter minChannels="3" maxChannels="6" />',
    "MULTICHANNEL_AUDIO_7": '<cpix:AudioFilter minChannels="7" />',
}


def kid_of(content_id: str, track_type: str) -> str:
    """The KID that requests for this content name for this type."""
    return str(uuid5(UUID(int=1), f"{content_id} {track_type}"))


def request(
    types: tuple[str, ...] = ("VIDEO", "AUDIO"),
    systems: tuple[str, ...] = (WIDEVINE,),
    *,
    content_id: str = "test_case",
    version: str = "2.3",
    scheme: str | None = None,
    multivariant: str = "master",
    period: str = "",
    deliveries: str = "",
    key_attributes: str = "",
) -> bytes:
    """A request for one key per track type, all elements of an answer in it, empty."""
    scheme = scheme or ("cbcs" if FAIRPLAY in systems else "cenc")
    kids = {name: kid_of(content_id, name) for name in types}
    keys = "".join(
        f'<cpix:ContentKey kid="{kid}" commonEncryptionScheme="{scheme}" {key_attributes}/>'
        for kid in kids.values()
    )
    entries = "".join(
        _system(kid, system, multivariant) for system in systems for kid in kids.values()
    )
    used = '<cpix:KeyPeriodFilter periodId="p" />' if period else ""
    rules = "".join(
        f'<cpix:ContentKeyUsageRule kid="{kid}" intendedTrackType="{name}">{used}{_FILTERS[name]}'
        "</cpix:ContentKeyUsageRule>"
        for name, kid in kids.items()
    )
    periods = (
        f'<cpix:ContentKeyPeriodList><cpix:ContentKeyPeriod id="p" {period}/>'
        "</cpix:ContentKeyPeriodList>"
    )
    return (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        f'<cpix:CPIX xmlns:cpix="urn:dashif:org:cpix" contentId="{content_id}" '
        f'version="{version}" xmlns:pksc="urn:ietf:params:xml:ns:keyprov:pskc" '
        'xmlns:ds="http://www.w3.org/2000/09/xmldsig#">\n\t'
        f"{deliveries}<cpix:ContentKeyList>{keys}</cpix:ContentKeyList>"
        f"<cpix:DRMSystemList>{entries}</cpix:DRMSystemList>{periods if period else ''}"
        f"<cpix:ContentKeyUsageRuleList>{rules}</cpix:ContentKeyUsageRuleList></cpix:CPIX>"
    ).encode()


def _system(kid: str, system: str, multivariant: str) -> str:
    protection = "" if system == FAIRPLAY else "<cpix:ContentProtectionData />"
    return (
        f'<cpix:DRMSystem kid="{kid}" systemId="{system}">\n<cpix:PSSH />{protection}'
        '<cpix:HLSSignalingData playlist="media">\n</cpix:HLSSignalingData>'
        f'<cpix:HLSSignalingData playlist="{multivariant}" /></cpix:DRMSystem>'
    )
