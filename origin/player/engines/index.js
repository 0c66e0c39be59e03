// The engines to choose from. Their modules and scripts are loaded when first chosen.

export const ENGINES = [
  {
    id: "shaka-dash",
    name: "Shaka Player",
    form: "DASH",
    module: async () => (await import("./shaka.js")).ShakaDash,
  },
  {
    id: "shaka-hls",
    name: "Shaka Player",
    form: "HLS",
    module: async () => (await import("./shaka.js")).ShakaHls,
  },
  {
    id: "hls",
    name: "hls.js",
    form: "HLS",
    module: async () => (await import("./hls.js")).HlsEngine,
  },
  {
    id: "dash",
    name: "dash.js",
    form: "DASH",
    module: async () => (await import("./dash.js")).DashEngine,
  },
];

/** The description of an engine; an unknown id (an old preference) gives the first. */
export function engineById(id) {
  return ENGINES.find((engine) => engine.id === id) ?? ENGINES[0];
}
