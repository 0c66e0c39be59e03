// A range input that shows how far it is filled, and optionally how far media is loaded.

import { h } from "../dom.js";

export class Slider {
  #held = false;

  /**
   * @param onInput while it is moved, onCommit when it is let go: (value) => void
   * @param say (value) => string, what a screen reader reads
   */
  constructor({ label, max = 1, step, className = "", onInput, onCommit, say }) {
    this.element = h("input", {
      type: "range",
      class: `slider ${className}`,
      min: 0,
      max,
      step,
      value: 0,
      "aria-label": label,
    });
    this.say = say;
    this.element.addEventListener("input", () => {
      this.#held = true;
      this.#draw();
      onInput?.(this.value);
    });
    this.element.addEventListener("change", () => {
      this.#held = false;
      onCommit?.(this.value);
    });
  }

  get value() {
    return Number(this.element.value);
  }

  /** Show a value; one that is being dragged is left alone. */
  show(value, { max = null, loaded = null } = {}) {
    if (max !== null) this.element.max = max;
    if (loaded !== null) {
      this.element.style.setProperty("--loaded", this.#part(loaded));
    }
    if (this.#held) return;
    this.element.value = value;
    this.#draw();
  }

  #part(value) {
    const max = Number(this.element.max) || 1;
    return `${(Math.min(1, value / max) * 100).toFixed(2)}%`;
  }

  #draw() {
    this.element.style.setProperty("--filled", this.#part(this.value));
    this.element.setAttribute("aria-valuetext", this.say(this.value));
  }
}
