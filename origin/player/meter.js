// Once a second while something plays: how much is buffered, and which rate is heard.

const PERIOD_MS = 1000;
const KEPT = 90; // samples

export class Meter extends EventTarget {
  constructor(player) {
    super();
    this.samples = []; // {buffer_s, average_bps}
    let deck = null;
    setInterval(() => {
      if (player.deck !== deck) {
        deck = player.deck;
        this.samples = [];
      }
      if (!player.playing) return;
      this.samples.push({
        buffer_s: Math.max(0, deck.bufferedTo - deck.position),
        average_bps: deck.heard?.average_bps ?? 0,
      });
      if (this.samples.length > KEPT) this.samples.shift();
      this.dispatchEvent(new Event("sample"));
    }, PERIOD_MS);
  }

  get capacity() {
    return KEPT;
  }
}
