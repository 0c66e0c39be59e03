// Loads a player's script when it is first needed: a listener pays for one engine, not three.

const loading = new Map();

/** Load a classic script once; resolves when it ran. */
export function loadScript(url) {
  if (!loading.has(url)) {
    loading.set(
      url,
      new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = url;
        script.onload = resolve;
        script.onerror = () => {
          loading.delete(url); // a later attempt may succeed
          reject(new Error(`could not load ${url}`));
        };
        document.head.append(script);
      }),
    );
  }
  return loading.get(url);
}
