// Lyrics as the origin serves them: WebVTT with the times of lines and perhaps of words, or text.

const TIMING = /^(?:(\d+):)?(\d\d):(\d\d)\.(\d{3}) --> (?:(\d+):)?(\d\d):(\d\d)\.(\d{3})/;
const STAMP = /^(?:(\d+):)?(\d\d):(\d\d)\.(\d{3})$/;
const ENTITIES = { amp: "&", lt: "<", gt: ">" };

const seconds = (hours, minutes, rest, milliseconds) =>
  Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(rest) + Number(milliseconds) / 1000;

const unescaped = (text) => text.replace(/&(amp|lt|gt);/g, (_all, name) => ENTITIES[name]);

/** Lines `{start, end, voice, words: [{start, text}]}` of a WebVTT file, times in seconds. */
export function parseVtt(text) {
  return text
    .split("\n\n")
    .map((block) => block.split("\n"))
    .flatMap(([timing, ...rows]) => {
      const times = TIMING.exec(timing);
      if (!times) return [];
      const start = seconds(...times.slice(1, 5));
      const end = seconds(...times.slice(5, 9));
      return [{ start, end, ...payload(rows.join("\n"), start) }];
    });
}

/** Lines of plain text: no times. */
export function parseText(text) {
  return text.split("\n").map((row) => ({ start: null, words: [{ start: null, text: row }] }));
}

function payload(text, lineStart) {
  let voice = null;
  let start = lineStart;
  const words = [];
  for (const part of text.split(/(<[^>]*>)/)) {
    const tag = /^<(.*)>$/s.exec(part)?.[1];
    const stamp = tag && STAMP.exec(tag);
    if (stamp) start = seconds(...stamp.slice(1));
    else if (tag?.startsWith("v ")) voice = unescaped(tag.slice(2));
    else if (tag === undefined && part) words.push({ start, text: unescaped(part) });
  }
  return { voice, words };
}

/** The text to begin with: synced before plain, the listener's languages before others. */
export function preferred(lyrics, languages = navigator.languages) {
  const rank = ({ synced, language }) => {
    const place = languages.findIndex((each) => each.split("-")[0] === language.split("-")[0]);
    return (synced ? 0 : 1000) + (place < 0 ? 100 : place);
  };
  return [...lyrics].sort((a, b) => rank(a) - rank(b))[0] ?? null;
}
