// Shown while there is no session: a place to paste an access token.

import { h } from "../dom.js";

/** @param why a sentence for a listener whose session ended, or null */
export function signInView(why, signIn) {
  const field = h("textarea", {
    id: "token",
    rows: 3,
    required: true,
    spellcheck: "false",
    autocapitalize: "off",
    autocomplete: "off",
    placeholder: "eyJ…",
    "aria-describedby": "token-hint",
  });
  const submit = (event) => {
    event.preventDefault();
    if (field.value.trim()) signIn(field.value);
  };
  // A token is one line: Enter sends it.
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") submit(event);
  });
  return h(
    "section",
    { class: "signin" },
    h("img", { src: "/player/icon.svg", alt: "", width: 64, height: 64 }),
    h("h1", {}, "Listen in"),
    h("p", { class: "lead", role: why ? "alert" : null }, why ?? "Open the link that you were given, or paste an access token."),
    h(
      "form",
      { onsubmit: submit },
      h("label", { for: "token" }, "Access token"),
      field,
      h("button", { class: "pill primary", type: "submit" }, "Continue"),
    ),
    h(
      "p",
      { class: "hint", id: "token-hint" },
      "Make one with ",
      h("code", {}, "headwater token mint"),
      ". It stays in this tab.",
    ),
  );
}
