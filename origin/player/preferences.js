// What a listener chose, kept between visits. Nothing here is secret.

const PREFIX = "headwater.";

/** A stored value, or the default where there is none or storage is switched off. */
export function preference(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function setPreference(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // A private window without storage forgets; the page works all the same.
  }
}
