// Append windows that cut where one track ends and the next begins, to the sample.
//
// Shaka Player and dash.js set the append window of each Period a tenth of a second too wide at
// its start and up to a tenth at its end, so that no video keyframe is lost to rounding. For music
// that lets the encoder's priming overwrite the end of the track before, and its padding through.
// While a release plays, its windows are the Periods' own. And as Chromium decodes a frame whole
// whatever duration it is given, the last frame, which the packager shortened by its padding, gets
// its whole duration back: then the window's end cuts the padding out of what is heard.

const EARLY_S = 0.1; // both players, before the start
const LATE_S = [0.01, 0.1]; // dash.js, Shaka Player, after the end
const NEAR_S = 0.0005;

// Bits of a trun's flags. ISO/IEC 14496-12, 8.8.8
const DATA_OFFSET = 0x1;
const FIRST_SAMPLE_FLAGS = 0x4;
const DURATION = 0x100;
const PER_SAMPLE = [DURATION, 0x200, 0x400, 0x800];

let edges = null; // where tracks begin and end in the release that plays, seconds
const flac = new WeakSet(); // source buffers of what has no padding

const near = (time) => edges?.some((edge) => Math.abs(edge - time) < NEAR_S);

function exactStart(asked) {
  return near(asked + EARLY_S) ? asked + EARLY_S : asked;
}

function exactEnd(asked) {
  const late = LATE_S.find((each) => near(asked - each));
  return late === undefined ? asked : asked - late;
}

/** The boxes between two positions: `[type, start of its content, end]`. */
function* boxes(view, start, end) {
  for (let at = start; at + 8 <= end; ) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > end) return;
    const type = String.fromCharCode(...[4, 5, 6, 7].map((byte) => view.getUint8(at + byte)));
    yield [type, at + 8, at + size];
    at += size;
  }
}

/** Give the last frame of a fragment the duration of the others, where it has less. */
function wholeFrames(view, start = 0, end = view.byteLength) {
  for (const [type, from, to] of boxes(view, start, end)) {
    if (type === "moof" || type === "traf") wholeFrames(view, from, to);
    if (type === "trun") wholeLast(view, from);
  }
}

function wholeLast(view, at) {
  const flags = view.getUint32(at) & 0xffffff;
  if (!(flags & DURATION)) return; // all frames have the default duration
  const count = view.getUint32(at + 4);
  const before = [DATA_OFFSET, FIRST_SAMPLE_FLAGS].filter((bit) => flags & bit).length;
  const row = 4 * PER_SAMPLE.filter((bit) => flags & bit).length;
  const first = at + 8 + 4 * before;
  const last = first + (count - 1) * row; // the duration is the first column
  if (view.getUint32(last) < view.getUint32(first)) view.setUint32(last, view.getUint32(first));
}

function viewOf(data) {
  return ArrayBuffer.isView(data)
    ? new DataView(data.buffer, data.byteOffset, data.byteLength)
    : new DataView(data);
}

/** Replace a property of every source buffer; its reader sees what was asked for. */
function replace(name, exact) {
  const { get, set } = Object.getOwnPropertyDescriptor(SourceBuffer.prototype, name);
  const asked = new WeakMap();
  Object.defineProperty(SourceBuffer.prototype, name, {
    configurable: true,
    get() {
      const last = asked.get(this);
      return last && last.set === get.call(this) ? last.asked : get.call(this);
    },
    set(value) {
      set.call(this, exact(value));
      asked.set(this, { asked: value, set: get.call(this) });
    },
  });
}

function remember(buffer, type) {
  if (/flac/i.test(type)) flac.add(buffer);
  else flac.delete(buffer);
}

function install() {
  const { addSourceBuffer } = MediaSource.prototype;
  MediaSource.prototype.addSourceBuffer = function add(type) {
    const buffer = addSourceBuffer.call(this, type);
    remember(buffer, type);
    return buffer;
  };
  const { appendBuffer, changeType } = SourceBuffer.prototype;
  SourceBuffer.prototype.changeType = function change(type) {
    changeType.call(this, type);
    remember(this, type);
  };
  SourceBuffer.prototype.appendBuffer = function append(data) {
    if (edges && !flac.has(this)) wholeFrames(viewOf(data));
    appendBuffer.call(this, data);
  };
  replace("appendWindowStart", exactStart);
  replace("appendWindowEnd", exactEnd);
}

let installed = false;

/** Cut exactly between these tracks, `tracks` of a release's playback answer, until `end()`. */
export function exactWindows(tracks) {
  if (!installed) install();
  installed = true;
  const own = tracks.flatMap(({ start_s, duration_s }) => [start_s, start_s + duration_s]);
  edges = own;
  return {
    end() {
      if (edges === own) edges = null;
    },
  };
}
