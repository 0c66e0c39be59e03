// The listener's access token: handed over in the fragment, which no server ever sees, then kept
// for this tab only and taken out of the address bar and the history.

const KEY = "headwater.session";
const FRAGMENT = /^#session=([^&]+)/;

/** The token to use, if there is one; a fresh one in the fragment wins. */
export function currentSession() {
  const handed = FRAGMENT.exec(location.hash);
  if (handed) {
    sessionStorage.setItem(KEY, decodeURIComponent(handed[1]));
    history.replaceState(null, "", `${location.pathname}${location.search}#/`);
  }
  return sessionStorage.getItem(KEY);
}

export function saveSession(token) {
  sessionStorage.setItem(KEY, token.trim());
}

export function endSession() {
  sessionStorage.removeItem(KEY);
}
