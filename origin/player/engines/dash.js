// dash.js: DASH, with licenses from the license endpoint.

import { EVENT_KEYS, EVENTS, INTERVAL_S, KEYS, MOST_AT_ONCE, VERSION } from "./cmcd.js";
import { BUFFER_S, REFUSED, renditionName, whileAlive } from "./engine.js";
import { loadScript } from "./script.js";
import { exactWindows } from "./windows.js";

const AUDIO = "audio";
const RETRY_MS = 50;
const OLD_MEDIA_ENDS = "bufferReplacementStarted"; // dash.js names it in its core's events only

export class DashEngine {
  #audio;
  #access;
  #hooks;
  #player = null;
  #chosen = null; // the rendition to keep to, by name
  #retry = 0;
  #windows = null; // of a release

  constructor(audio, access, hooks) {
    this.#audio = audio;
    this.#access = access;
    this.#hooks = whileAlive(hooks);
  }

  async load(startTime = 0) {
    await loadScript("/player/vendor/dash.js");
    const { playback } = this.#access;
    const player = dashjs.MediaPlayer().create();
    this.#player = player;
    player.initialize(this.#audio, null, /* autoPlay= */ false);
    player.updateSettings({
      debug: { logLevel: dashjs.Debug.LOG_LEVEL_NONE },
      streaming: {
        buffer: {
          bufferTimeDefault: BUFFER_S,
          bufferTimeAtTopQuality: BUFFER_S,
          bufferTimeAtTopQualityLongForm: BUFFER_S,
        },
        cmcd: {
          enabled: true,
          version: VERSION,
          enabledKeys: KEYS,
          includeInRequests: ["segment", "mpd"],
          eventTargets: [
            {
              enabled: true,
              url: playback.reports,
              events: EVENTS,
              enabledKeys: EVENT_KEYS,
              interval: INTERVAL_S,
              batchSize: MOST_AT_ONCE,
              includeInRequests: ["segment"],
            },
          ],
        },
      },
    });
    player.setProtectionData({ "org.w3.clearkey": { serverURL: playback.license } });
    player.addRequestInterceptor(async (request) => {
      request.url = await this.#access.url(request.url);
      return request;
    });
    player.addResponseInterceptor(async (response) => {
      if (response.status === REFUSED) this.#access.refused(); // dash.js tries again by itself
      return response;
    });
    player.registerLicenseRequestFilter(async (request) => {
      request.url = await this.#access.license();
    });
    if (playback.tracks) this.#windows = exactWindows(playback.tracks);
    const ready = this.#initialized();
    player.attachSource(playback.dash, startTime);
    await ready;
  }

  names() {
    return this.#player.getRepresentationsByType(AUDIO).map((each) => this.#name(each));
  }

  choose(name) {
    this.#player.updateSettings({
      streaming: { abr: { autoSwitchBitrate: { audio: name === null } } },
    });
    this.#chosen = name;
    this.#switch();
  }

  bandwidth() {
    const kbps = this.#player.getAverageThroughput(AUDIO);
    return Number.isFinite(kbps) ? kbps * 1000 : null;
  }

  async destroy() {
    this.#hooks.end();
    clearTimeout(this.#retry);
    this.#windows?.end();
    this.#player?.destroy();
  }

  /**
   * Go to the chosen rendition, once no other switch is under way: dash.js 5.2.1 has no current
   * representation then, forgets to change the source buffer's codec, and the decoder fails.
   *
   * It fails, too, where the new rendition's index has to be fetched first: a segment of the old
   * one that arrives meanwhile makes dash.js ask for what is next, which is of the new one, and
   * append it before the source buffer's codec is changed. So it asks for nothing until then, by
   * the events that a ManagedMediaSource tells it so with.
   */
  #switch() {
    clearTimeout(this.#retry);
    const wanted = this.#player
      .getRepresentationsByType(AUDIO)
      .find((each) => this.#name(each) === this.#chosen);
    if (!wanted) return;
    const current = this.#player.getCurrentRepresentationForType(AUDIO);
    if (current === null) {
      this.#retry = setTimeout(() => this.#switch(), RETRY_MS);
      return;
    }
    if (current.id === wanted.id) return;
    this.#player.trigger(dashjs.MediaPlayer.events.MANAGED_MEDIA_SOURCE_END_STREAMING);
    this.#player.setRepresentationForTypeById(AUDIO, wanted.id, /* forceReplace= */ true);
  }

  #initialized() {
    const { events } = dashjs.MediaPlayer;
    return new Promise((resolve, reject) => {
      this.#player.on(events.STREAM_INITIALIZED, resolve);
      for (const kind of [events.ERROR, events.PLAYBACK_ERROR]) {
        this.#player.on(kind, ({ error }) => {
          const report = { code: `dash.js ${error?.code ?? kind}`, message: error?.message ?? "" };
          this.#hooks.onError(report);
          reject(report);
        });
      }
      this.#player.on(OLD_MEDIA_ENDS, () => {
        this.#player.trigger(events.MANAGED_MEDIA_SOURCE_START_STREAMING);
      });
      this.#player.on(events.QUALITY_CHANGE_RENDERED, ({ newRepresentation }) => {
        this.#hooks.onRendition(this.#name(newRepresentation));
      });
    });
  }

  #name(representation) {
    return representation && renditionName(this.#access.playback, { id: representation.id });
  }
}
