// Shaka Player: DASH with licenses from the license endpoint, HLS with keys from the playlist.

import { EVENT_KEYS, EVENTS, INTERVAL_S, KEYS, MOST_AT_ONCE, VERSION } from "./cmcd.js";
import { BUFFER_S, REFUSED, renditionName, whileAlive } from "./engine.js";
import { loadScript } from "./script.js";
import { exactWindows } from "./windows.js";

const CLEARKEY = "org.w3.clearkey";
// Seconds that are kept when a listener picks another rendition: enough not to stall.
const SAFE_MARGIN_S = 2;

/** Whether the origin said that a request's token is dead. */
function isRefusal({ code, data }) {
  return code === shaka.util.Error.Code.BAD_HTTP_STATUS && data[1] === REFUSED;
}

const described = ({ code, message }) => ({ code: `shaka ${code}`, message });

class ShakaEngine {
  #audio;
  #access;
  #hooks;
  #player = null;
  #windows = null; // of a release

  constructor(audio, access, hooks) {
    this.#audio = audio;
    this.#access = access;
    this.#hooks = whileAlive(hooks);
  }

  async load(startTime = 0) {
    await loadScript("/player/vendor/shaka-player.js");
    this.#player = new shaka.Player();
    await this.#player.attach(this.#audio);
    this.#player.configure(this.configuration(this.#access.playback));
    this.#player.getNetworkingEngine().registerRequestFilter((type, request) => {
      return this.#authorize(type, request);
    });
    this.#listen();
    const { tracks } = this.#access.playback;
    if (tracks) this.#windows = exactWindows(tracks);
    try {
      await this.#player.load(this.manifest(this.#access.playback), startTime);
    } catch (error) {
      throw described(error);
    }
  }

  names() {
    return this.#player.getVariantTracks().map((track) => this.#name(track));
  }

  choose(name) {
    this.#player.configure("abr.enabled", name === null);
    const track = this.#player.getVariantTracks().find((each) => this.#name(each) === name);
    if (track) this.#player.selectVariantTrack(track, /* clearBuffer= */ true, SAFE_MARGIN_S);
  }

  bandwidth() {
    const { estimatedBandwidth } = this.#player.getStats();
    return Number.isFinite(estimatedBandwidth) ? estimatedBandwidth : null;
  }

  async destroy() {
    this.#hooks.end();
    this.#windows?.end();
    await this.#player?.destroy();
  }

  /** Settings that DASH and HLS share. */
  configuration(playback) {
    return {
      cmcd: {
        enabled: true,
        version: VERSION,
        includeKeys: KEYS,
        eventTargets: [
          {
            enabled: true,
            useHeaders: false,
            url: playback.reports,
            includeKeys: EVENT_KEYS,
            events: EVENTS,
            interval: INTERVAL_S,
            batchSize: MOST_AT_ONCE,
          },
        ],
      },
      streaming: {
        bufferingGoal: BUFFER_S,
        // Says when another rendition is heard, not only when one is fetched.
        observeQualityChanges: true,
      },
      // All codecs are one ladder: go from one to another, and from one AdaptationSet to another.
      mediaSource: { codecSwitchingStrategy: "smooth" },
      manifest: { enableAudioGroups: false },
    };
  }

  async #authorize(type, request) {
    // With HLS identity keys the "license server" is a data: URL that Shaka made itself.
    if (request.uris[0].startsWith("data:")) {
      // Shaka 5.2.12 appends its report even to that, as if it had a query.
      request.uris = request.uris.map((uri) => uri.replace(/[?&]CMCD=.*$/, ""));
      return;
    }
    if (type === shaka.net.NetworkingEngine.RequestType.LICENSE) {
      request.uris = [await this.#access.license()];
    } else {
      request.uris = await Promise.all(request.uris.map((uri) => this.#access.url(uri)));
    }
  }

  #listen() {
    // Shaka goes on with another rendition for a while, and says nothing; with the last one it fails.
    this.#player.addEventListener("downloadfailed", ({ httpResponseCode }) => {
      if (httpResponseCode === REFUSED) this.#access.refused();
    });
    this.#player.addEventListener("error", ({ detail }) => {
      if (detail.severity !== shaka.util.Error.Severity.CRITICAL) return;
      if (isRefusal(detail) && this.#access.refused() && this.#player.retryStreaming()) return;
      this.#hooks.onError(described(detail));
    });
    this.#player.addEventListener("mediaqualitychanged", ({ mediaQuality }) => {
      this.#hooks.onRendition(this.#heard(mediaQuality));
    });
  }

  /** A representation's id is its name; where HLS has audio groups Shaka keeps no name. */
  #name(track) {
    const { playback } = this.#access;
    return renditionName(playback, { id: track.originalAudioId }) ?? this.#nameByRank(track);
  }

  /** Of the tracks of one codec the nth by bandwidth is the nth of the answer's by rate. */
  #nameByRank(track) {
    const codec = track.audioCodec.toLowerCase();
    const tracks = this.#player
      .getVariantTracks()
      .filter((each) => each.audioCodec === track.audioCodec)
      .sort((a, b) => a.bandwidth - b.bandwidth);
    const renditions = this.#access.playback.renditions
      .filter((each) => each.codecs.toLowerCase() === codec)
      .sort((a, b) => a.average_bps - b.average_bps);
    if (renditions.length !== tracks.length) return null;
    return renditions[tracks.findIndex((each) => each.id === track.id)].name;
  }

  /**
   * Shaka says what is heard by codec and bandwidth only, which together are one track. In a release
   * the bandwidth is of the Period, and the track's is of them all: the nearest is meant.
   */
  #heard({ codecs, bandwidth }) {
    const apart = (track) => Math.abs(Math.log(track.audioBandwidth / bandwidth));
    const [track] = this.#player
      .getVariantTracks()
      .filter((each) => each.audioCodec === codecs)
      .sort((a, b) => apart(a) - apart(b));
    return track && this.#name(track);
  }
}

export class ShakaDash extends ShakaEngine {
  manifest(playback) {
    return playback.dash;
  }

  configuration(playback) {
    return { ...super.configuration(playback), drm: { servers: { [CLEARKEY]: playback.license } } };
  }
}

export class ShakaHls extends ShakaEngine {
  manifest(playback) {
    return playback.hls;
  }
}
