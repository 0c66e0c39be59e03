from __future__ import annotations

from pathlib import Path

from packager.model import Codec
from pipeline.ffmpeg.args import BlockFiles, DownloadSpec, download_args, encode_args, probe_args
from pipeline.ladder import RenditionSpec
from pipeline.sound import Sound

GLOBAL = [
    *("-nostdin", "-hide_banner", "-nostats", "-progress", "pipe:1", "-stats_period", "0.5"),
    *("-loglevel", "info", "-xerror", "-max_alloc", "536870912"),
    *("-filter_threads", "1", "-filter_complex_threads", "1"),
]
MUXER = "-bitexact -c:a {codec} -map_chapters -1 -map_metadata -1 -movie_timescale {rate}"

GRAPH = (
    "[0:a:0]ebur128=framelog=verbose:metadata=1:peak=true[s0];"
    "[s0]ametadata=file=file\\\\:/t/momentary.txt:key=lavfi.r128.M:mode=print[s1];"
    "[s1]ametadata=file=file\\\\:/t/short-term.txt:key=lavfi.r128.S:mode=print[s2];"
    "[s2]volumedetect[s3]"
)

BLOCKS = BlockFiles(Path("/t/momentary.txt"), Path("/t/short-term.txt"))
AAC = RenditionSpec(
    "aac-128k", Codec.AAC, "standard", 44_100, 2, 128_000, None, resampled=False, coder="fast"
)
OPUS = RenditionSpec("opus-96k", Codec.OPUS, "standard", 48_000, 2, 96_000, None, resampled=True)
FLAC = RenditionSpec("flac", Codec.FLAC, "lossless", 44_100, 2, None, 16, resampled=False)


def test_probe() -> None:
    assert probe_args(Path("/bin/ffprobe"), Path("/in/-x.wav"), "wav") == [
        *("/bin/ffprobe", "-v", "error", "-hide_banner", "-max_alloc", "536870912"),
        *("-f", "wav", "-format_whitelist", "wav", "-protocol_whitelist", "file"),
        *("-threads", "1", "-show_streams", "-show_format", "-of", "json", "file:/in/-x.wav"),
    ]


def test_one_decode_for_all_renditions_and_measurements() -> None:
    sound = Sound("flac", "flac", 44_100, 2, 16, is_float=False, samples=132_300)
    outputs = [(one, Path(f"/t/{one.name}.mp4")) for one in (AAC, OPUS, FLAC)]
    argv = encode_args(
        Path("/bin/ffmpeg"), Path("/in/a.flac"), sound, outputs, measure=BLOCKS, md5=Path("/t/md5")
    )
    assert argv == [
        "/bin/ffmpeg",
        *GLOBAL,
        *("-f", "flac", "-codec_whitelist", "flac"),
        *("-err_detect", "crccheck+bitstream+buffer+explode"),
        *("-format_whitelist", "flac", "-protocol_whitelist", "file"),
        *("-t", "4.000", "-threads", "1", "-i", "file:/in/a.flac"),
        "-filter_complex",
        GRAPH,
        *("-map", "[s3]", "-f", "null", "-"),
        *("-map", "0:a:0", "-f", "md5", "-acodec", "pcm_s16le", "file:/t/md5"),
        *("-map", "0:a:0", "-f", "mp4", "-aac_coder", "fast", "-b:a", "128000"),
        *MUXER.format(codec="aac", rate=44100).split(),
        "file:/t/aac-128k.mp4",
        *("-map", "0:a:0", "-f", "mp4", "-af", "aresample=48000:osf=fltp", "-b:a", "96000"),
        *("-bitexact", "-c:a", "libopus", "-frame_duration", "20"),
        *("-map_chapters", "-1", "-map_metadata", "-1"),
        *("-movie_timescale", "48000", "-vbr", "on", "file:/t/opus-96k.mp4"),
        *("-map", "0:a:0", "-f", "mp4", "-bitexact", "-bits_per_raw_sample", "16"),
        *("-c:a", "flac", "-compression_level", "5", "-frame_size", "4096"),
        *("-map_chapters", "-1", "-map_metadata", "-1", "-movie_timescale", "44100"),
        *("-sample_fmt", "s16", "-strict", "-2", "file:/t/flac.mp4"),
    ]


def test_a_rendition_alone_needs_no_graph() -> None:
    sound = Sound("wav", "pcm_s24le", 44_100, 2, 24, is_float=False, samples=44_100)
    argv = encode_args(Path("/bin/ffmpeg"), Path("/in/a.wav"), sound, [(AAC, Path("/t/a.mp4"))])
    assert argv == [
        "/bin/ffmpeg",
        *GLOBAL,
        *("-f", "wav", "-codec_whitelist", "pcm_s24le", "-format_whitelist", "wav"),
        *("-max_size", "65536", "-protocol_whitelist", "file"),
        *("-t", "2.000", "-threads", "1", "-i", "file:/in/a.wav"),
        *("-map", "0:a:0", "-f", "mp4", "-aac_coder", "fast", "-b:a", "128000"),
        *MUXER.format(codec="aac", rate=44100).split(),
        "file:/t/a.mp4",
    ]


def test_quicktime_reads_no_other_file() -> None:
    sound = Sound("mov", "alac", 44_100, 2, 16, is_float=False, samples=44_100)
    argv = encode_args(Path("/bin/ffmpeg"), Path("/in/a.m4a"), sound, [(AAC, Path("/t/a.mp4"))])
    for command in (argv, probe_args(Path("/bin/ffprobe"), Path("/in/a.m4a"), "mov")):
        for option in ("-enable_drefs", "-use_absolute_path"):
            assert command[command.index(option) + 1] == "0"


def test_24_bits_are_asked_for_by_name() -> None:
    sound = Sound("wav", "pcm_s24le", 44_100, 2, 24, is_float=False, samples=44_100)
    deep = RenditionSpec("flac", Codec.FLAC, "lossless", 44_100, 2, None, 24, resampled=False)
    argv = encode_args(Path("/bin/ffmpeg"), Path("/in/a.wav"), sound, [(deep, Path("/t/a.mp4"))])
    assert argv[argv.index("-sample_fmt") + 1] == "s32"
    assert argv[argv.index("-bits_per_raw_sample") + 1] == "24"


def test_any_name_that_a_file_can_have_is_passed_as_it_is() -> None:
    sound = Sound("wav", "pcm_s16le", 44_100, 2, 16, is_float=False, samples=44_100)
    source = Path("/in/caf\udce9 \u00fc\u4e2d.wav")
    argv = encode_args(Path("/bin/ffmpeg"), source, sound, [(AAC, Path("/t/\udcff.mp4"))])
    assert argv[argv.index("-i") + 1] == f"file:{source}"
    assert argv[-1] == "file:/t/\udcff.mp4"


def test_downloads_share_one_decode_and_are_resampled_where_they_must_be() -> None:
    sound = Sound("wav", "pcm_s24le", 96_000, 2, 24, is_float=False, samples=96_000)
    outputs = [
        (DownloadSpec("standard", "mp3", 128_000, 48_000), Path("/t/download-standard.mp3")),
        (DownloadSpec("premium", "m4a", 320_000, 48_000), Path("/t/download-premium.m4a")),
    ]
    argv = download_args(Path("/bin/ffmpeg"), Path("/in/a.wav"), sound, outputs)
    assert "-filter_complex" not in argv
    assert argv.count("aresample=48000:osf=fltp") == 2
    mp3 = argv.index("file:/t/download-standard.mp3")
    m4a = argv.index("file:/t/download-premium.m4a")
    shared = ["-bitexact", "-map_chapters", "-map_metadata", "-b:a"]
    first, second = sorted(((mp3, "libmp3lame"), (m4a, "aac")))
    for start, (end, codec) in ((0, first), (first[0], second)):
        options = argv[start:end]
        assert options[options.index("-c:a") + 1] == codec
        assert all(option in options for option in shared)
    assert "+faststart" in argv
