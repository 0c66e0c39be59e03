// hls.js: HLS, with licenses from the license endpoint (it has no use for identity keys in fMP4).

import { EVENT_KEYS, EVENTS, INTERVAL_S, KEYS, MOST_AT_ONCE, VERSION } from "./cmcd.js";
import { BUFFER_S, REFUSED, renditionName, whileAlive } from "./engine.js";
import { loadScript } from "./script.js";

/**
 * hls.js 1.7.4 keeps the codec of the first level as the codec of the whole source buffer when the
 * media itself says just "opus" or "flac". AAC -> FLAC -> AAC then ends in an append that Chromium
 * refuses, because the last step looked like no change. What the media says is enough.
 */
function bufferController() {
  return class extends Hls.DefaultConfig.bufferController {
    onBufferCodecs(event, data) {
      delete data.audio?.levelCodec;
      super.onBufferCodecs(event, data);
    }
  };
}

const POLICIES = ["manifestLoadPolicy", "playlistLoadPolicy", "fragLoadPolicy", "keyLoadPolicy"];

/** hls.js' own settings of how often requests are tried, and another try with another token. */
function policies(access) {
  const shouldRetry = (policy, tries, _late, answer, usually) =>
    usually || (answer?.code === REFUSED && tries < policy.maxNumRetry && access.refused());
  const policy = (name) => {
    const own = Hls.DefaultConfig[name].default;
    return [name, { default: { ...own, errorRetry: { ...own.errorRetry, shouldRetry } } }];
  };
  return Object.fromEntries(POLICIES.map(policy));
}

export class HlsEngine {
  #audio;
  #access;
  #hooks;
  #hls = null;

  constructor(audio, access, hooks) {
    this.#audio = audio;
    this.#access = access;
    this.#hooks = whileAlive(hooks);
  }

  async load(startTime = 0) {
    await loadScript("/player/vendor/hls.js");
    const { playback } = this.#access;
    this.#hls = new Hls(this.#configuration(startTime));
    const ready = this.#manifestParsed();
    this.#hls.loadSource(playback.hls);
    this.#hls.attachMedia(this.#audio);
    await ready;
  }

  names() {
    return this.#hls.levels.map((level) => this.#name(level));
  }

  choose(name) {
    const index = this.#hls.levels.findIndex((level) => this.#name(level) === name);
    this.#hls.nextLevel = index; // -1: adapt; another level is heard from the next segment on
  }

  bandwidth() {
    return this.#hls.bandwidthEstimate || null;
  }

  async destroy() {
    this.#hooks.end();
    this.#hls?.destroy();
  }

  #configuration(startTime) {
    return {
      ...policies(this.#access),
      bufferController: bufferController(),
      startPosition: startTime,
      maxBufferLength: BUFFER_S,
      maxMaxBufferLength: BUFFER_S,
      // Nothing to transmux in fMP4, and a worker from a blob: URL would need a wider CSP.
      enableWorker: false,
      emeEnabled: true,
      cmcd: {
        version: VERSION,
        includeKeys: KEYS,
        eventTargets: [
          {
            url: this.#access.playback.reports,
            events: EVENTS,
            includeKeys: EVENT_KEYS,
            interval: INTERVAL_S,
            batchSize: MOST_AT_ONCE,
          },
        ],
      },
      drmSystems: { "org.w3.clearkey": { licenseUrl: this.#access.playback.license } },
      xhrSetup: async (xhr, url) => {
        xhr.open("GET", await this.#access.url(url), true);
      },
      licenseXhrSetup: async (xhr) => {
        xhr.open("POST", await this.#access.license(), true);
      },
    };
  }

  #manifestParsed() {
    return new Promise((resolve, reject) => {
      this.#hls.once(Hls.Events.MANIFEST_PARSED, resolve);
      this.#hls.on(Hls.Events.ERROR, (_event, data) => {
        if (!data.fatal) return;
        const error = { code: `hls.js ${data.details}`, message: data.error?.message ?? "" };
        this.#hooks.onError(error);
        reject(error);
      });
      this.#hls.on(Hls.Events.FRAG_CHANGED, (_event, { frag }) => {
        this.#hooks.onRendition(this.#name(this.#hls.levels[frag.level]));
      });
    });
  }

  #name(level) {
    return level && renditionName(this.#access.playback, { url: level.url[0] });
  }
}
