// A small graph of the last minute and a half: an area and, as steps, a line.

import { svg } from "../dom.js";

const WIDTH = 300;
const HEIGHT = 64;
const TOP = 6; // room for the line's width at its highest

export class Sparkline {
  constructor(label) {
    this.area = svg("path", { class: "area" });
    this.line = svg("path", { class: "line" });
    this.element = svg(
      "svg",
      {
        class: "sparkline",
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": label,
      },
      this.area,
      this.line,
    );
  }

  /** @param samples newest last; `area` and `line` give each sample's values */
  draw(samples, capacity, { area, line }) {
    const step = WIDTH / (capacity - 1);
    const x = (index) => WIDTH - (samples.length - 1 - index) * step;
    const scale = (of) => {
      const highest = Math.max(...samples.map(of), 1e-9);
      return (sample) => HEIGHT - (of(sample) / highest) * (HEIGHT - TOP);
    };
    const areaY = scale(area);
    const lineY = scale(line);
    const points = samples.map((sample, i) => `L${x(i).toFixed(1)} ${areaY(sample).toFixed(1)}`);
    const steps = samples.map((sample, i) => `H${x(i).toFixed(1)}V${lineY(sample).toFixed(1)}`);
    const from = x(0).toFixed(1);
    this.area.setAttribute("d", samples.length ? `M${from} ${HEIGHT}${points.join("")}V${HEIGHT}Z` : "");
    this.line.setAttribute(
      "d",
      samples.length ? `M${from} ${lineY(samples[0]).toFixed(1)}${steps.join("")}` : "",
    );
  }
}
