// Numbers as people read them.

const CODECS = { aac: "AAC", opus: "Opus", flac: "FLAC", alac: "ALAC" };

/** "3:07", "1:02:07"; an unknown time is "–:––". */
export function clock(seconds) {
  if (!Number.isFinite(seconds)) return "–:––";
  const whole = Math.floor(seconds + 0.005); // media ends a hair before the whole second
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** "42 min", "1 h 4 min": the length of an album. */
export function length(seconds) {
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "133 kbit/s", "12.4 Mbit/s". */
export function rate(bps) {
  if (!Number.isFinite(bps)) return "–";
  return bps < 1e7 ? `${Math.round(bps / 1000)} kbit/s` : `${(bps / 1e6).toFixed(1)} Mbit/s`;
}

/** "−3.2 dB", "+1 dB", "0 dB". */
export function decibels(value) {
  const rounded = Math.round(value * 10) / 10;
  const sign = rounded > 0 ? "+" : rounded < 0 ? "−" : "";
  return `${sign}${Math.abs(rounded)} dB`;
}

export function codec(rendition) {
  return CODECS[rendition.codec] ?? rendition.codec;
}

/** "44.1 kHz / 16 bit", "48 kHz". */
export function resolution(rendition) {
  const khz = `${Number((rendition.sample_rate_hz / 1000).toFixed(2))} kHz`;
  return rendition.bit_depth ? `${khz} / ${rendition.bit_depth} bit` : khz;
}

/** "1 track", "3 tracks". */
export function count(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

/** "A", "A & B", "A, B & C". */
export function names(list) {
  return list.length < 2 ? (list[0] ?? "") : `${list.slice(0, -1).join(", ")} & ${list.at(-1)}`;
}
