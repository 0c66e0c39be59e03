// Keys that work anywhere on the page but in a field: space, n, p, m.

export function connectShortcuts(player) {
  const keys = {
    " ": () => player.toggle(),
    n: () => player.next(),
    p: () => player.previous(),
    m: () => player.toggleMute(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const { target } = event;
    if (target.closest("input:not([type=range]), textarea, select")) return;
    // Space presses the button or link that has the focus.
    if (event.key === " " && target.closest("button, a, input, [role=button]")) return;
    const action = keys[event.key];
    if (!action || !player.track) return;
    event.preventDefault();
    action();
  });
}
