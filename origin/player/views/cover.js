// Cover pictures, what stands in where there is none, and the color that a cover lends the page.

import { h } from "../dom.js";
import { icon } from "../icons.js";

/** A hue in degrees that is always the same for the same text. */
function hue(text) {
  let sum = 0;
  for (const character of text) sum = (sum * 31 + character.codePointAt(0)) % 360;
  return sum;
}

function standIn(title) {
  const box = h("span", { class: "cover stand-in", "aria-hidden": "true" }, icon("note"));
  box.style.setProperty("--hue", hue(title));
  return box;
}

/** The smallest picture that is as wide as asked for, else the widest; else the original. */
function pictureUrl({ covers = [], cover_url: original }, width) {
  return (covers.find((each) => each.width >= width) ?? covers.at(-1))?.url ?? original;
}

/**
 * A square cover; beside its title it says nothing new, so its alt text is empty.
 *
 * @param sizes how wide it is shown, as an `img` has it
 */
export function cover(release, sizes) {
  if (!release?.cover_url) return standIn(release?.title ?? "");
  const { covers = [] } = release;
  const picture = h("img", {
    class: "cover",
    // In this order: with a src alone a browser would begin to load it.
    sizes,
    srcset: covers.length ? covers.map(({ url, width }) => `${url} ${width}w`).join(", ") : null,
    src: pictureUrl(release, 640),
    alt: "",
    loading: "lazy",
    decoding: "async",
    onerror: () => picture.replaceWith(standIn(release.title)),
  });
  return picture;
}

/** Lend an element a cover's mean color as --tint; without a readable cover it keeps its own. */
export async function tint(element, release) {
  element.style.removeProperty("--tint");
  if (!release?.cover_url) return;
  const picture = new Image();
  picture.crossOrigin = "anonymous"; // a canvas gives no pixels of another origin's picture
  picture.src = pictureUrl(release, 0);
  try {
    await picture.decode();
    const side = 8; // scaled down this far, the browser has done the averaging
    const canvas = h("canvas", { width: side, height: side });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0, side, side);
    element.style.setProperty("--tint", mean(context.getImageData(0, 0, side, side).data));
  } catch {
    // No picture, no tint.
  }
}

/** The mean of RGBA pixels, each weighted by how colorful it is: gray says little of a cover. */
function mean(pixels) {
  const sums = [0, 0, 0];
  let weights = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    const color = [...pixels.subarray(i, i + 3)];
    const weight = 1 + (Math.max(...color) - Math.min(...color)) ** 2;
    color.forEach((value, channel) => {
      sums[channel] += value * weight;
    });
    weights += weight;
  }
  return `rgb(${sums.map((sum) => Math.round(sum / weights)).join(" ")})`;
}
