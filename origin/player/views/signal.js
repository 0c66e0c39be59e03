// What goes on under the music: the rendition that is heard, the buffer, the network, the switches;
// and the choices a listener has: quality, loudness leveling and engine.

import { h, setText } from "../dom.js";
import { ENGINES } from "../engines/index.js";
import { codec, decibels, rate, resolution } from "../format.js";
import { MODES } from "../normalization.js";
import { playsReleases } from "../releasedeck.js";
import { Sparkline } from "./sparkline.js";

const TIERS = { standard: "Standard", premium: "Premium", lossless: "Lossless" };

export class Signal {
  #listed = null; // nothing yet, not even that there is nothing to choose

  constructor(player, meter) {
    this.player = player;
    this.meter = meter;
    this.graph = new Sparkline("Buffer and bit rate over the last minute and a half");
    this.facts = Object.fromEntries(
      ["rendition", "bitrate", "resolution", "buffer", "network", "switches", "loudness", "gain"].map(
        (name) => [name, h("dd", { "data-fact": name }, "–")],
      ),
    );
    this.qualities = h("div", { class: "choices" });
    this.engine = h(
      "select",
      { id: "engine", onchange: () => player.chooseEngine(this.engine.value) },
      ENGINES.map(({ id, name, form }) => h("option", { value: id }, `${name} · ${form}`)),
    );
    this.normalization = h(
      "select",
      {
        id: "normalization",
        onchange: () => player.chooseNormalization(this.normalization.value),
      },
      MODES.map(({ id, name }) => h("option", { value: id }, name)),
    );
    this.gapless = h("input", {
      type: "checkbox",
      id: "gapless",
      onchange: () => player.chooseGapless(this.gapless.checked),
    });
    this.element = h(
      "div",
      { class: "signal" },
      h("fieldset", { class: "qualities" }, h("legend", {}, "Quality"), this.qualities),
      this.#details(),
      setting("Volume leveling", this.normalization),
      setting("Player engine", this.engine),
      h(
        "label",
        { class: "yes-no" },
        h("span", { class: "title" }, "Gapless albums"),
        h("span", { class: "by" }, "Shaka Player · DASH"),
        this.gapless,
      ),
    );
    player.addEventListener("change", () => this.update());
    meter.addEventListener("sample", () => this.#draw());
  }

  update() {
    const { player } = this;
    const { deck } = player;
    this.engine.value = player.engineId;
    this.normalization.value = player.normalization;
    this.gapless.checked = player.gapless;
    this.gapless.disabled = !playsReleases(player.engineId);
    this.#list();
    const heard = deck?.heard;
    this.#fact("rendition", heard ? codec(heard) : "–");
    this.#fact("bitrate", heard ? rate(heard.average_bps) : "–");
    this.#fact("resolution", heard ? resolution(heard) : "–");
    this.#fact("buffer", deck ? `${Math.max(0, deck.bufferedTo - player.position).toFixed(1)} s` : "–");
    this.#fact("switches", String(deck?.switches ?? 0));
    const loudness = deck?.playback?.loudness?.integrated_lufs;
    this.#fact("loudness", Number.isFinite(loudness) ? `${loudness.toFixed(1).replace("-", "−")} LUFS` : "–");
    this.#fact("gain", deck ? decibels(player.gain) : "–");
    if (heard) this.facts.rendition.dataset.rendition = heard.name;
  }

  #details() {
    const names = {
      rendition: "Hearing",
      bitrate: "Bit rate",
      resolution: "Resolution",
      buffer: "Buffer",
      network: "Network",
      switches: "Switches",
      loudness: "Loudness",
      gain: "Leveled by",
    };
    const rows = Object.entries(names).map(([name, label]) =>
      h("div", {}, h("dt", {}, label), this.facts[name]),
    );
    return h(
      "section",
      { class: "details", "aria-label": "Stream details" },
      h("h3", {}, "Stream"),
      h("dl", {}, rows),
      this.graph.element,
      h(
        "p",
        { class: "key", "aria-hidden": "true" },
        h("span", { class: "of-area" }, "Buffer"),
        h("span", { class: "of-line" }, "Bit rate"),
      ),
    );
  }

  #fact(name, text) {
    setText(this.facts[name], text);
  }

  #draw() {
    const { bandwidth } = this.player.deck ?? {};
    this.#fact("network", bandwidth ? rate(bandwidth) : "–");
    this.graph.draw(this.meter.samples, this.meter.capacity, {
      area: (sample) => sample.buffer_s,
      line: (sample) => sample.average_bps,
    });
  }

  /** The choices, made anew only when they differ: a radio that has the focus keeps it. */
  #list() {
    const { player } = this;
    const renditions = bestFirst(player.deck);
    const listed = renditions.map((rendition) => rendition.name).join();
    if (listed !== this.#listed) {
      this.#listed = listed;
      this.qualities.replaceChildren(
        choice("", "Automatic", "Adapts to your network", player),
        ...renditions.map((rendition) =>
          choice(
            rendition.name,
            TIERS[rendition.tier] ?? rendition.tier,
            detail(rendition),
            player,
          ),
        ),
      );
    }
    // A choice that this track does not have is adaptive here.
    const chosen = renditions.some(({ name }) => name === player.quality) ? player.quality : "";
    for (const label of this.qualities.children) {
      const input = label.querySelector("input");
      input.checked = input.value === chosen;
      label.classList.toggle("heard", input.value === player.deck?.rendition);
    }
  }
}

function setting(name, control) {
  return h("div", { class: "engine" }, h("label", { for: control.id }, name), control);
}

/** By tier (the answer's order is lowest first), then by rate. */
function bestFirst(deck) {
  const tiers = deck?.playback?.tiers ?? [];
  const rank = ({ tier }) => tiers.indexOf(tier);
  return [...(deck?.renditions ?? [])].sort(
    (a, b) => rank(b) - rank(a) || b.average_bps - a.average_bps,
  );
}

/** What tells a rendition from others of its tier: how deep it is, or how dense. */
function detail(rendition) {
  const measure = rendition.bit_depth ? resolution(rendition) : rate(rendition.average_bps);
  return `${codec(rendition)} · ${measure}`;
}

function choice(value, title, description, player) {
  return h(
    "label",
    { class: "choice" },
    h("input", {
      type: "radio",
      name: "quality",
      value,
      onchange: () => player.chooseQuality(value || null),
    }),
    h("span", { class: "title" }, title),
    h("span", { class: "by" }, description),
  );
}
