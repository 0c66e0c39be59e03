// Lists that come in pages: the next page is fetched when the end of the last comes near.

import { h } from "../dom.js";

/**
 * Fill `list` page by page.
 *
 * @param fetchPage (cursor | null) => Promise<{items, next}>
 * @param add (items) => void
 * @returns an element to put after the list; resolves the first page before it returns
 */
export async function paged(fetchPage, add) {
  const end = h("div", { class: "page-end" });
  let cursor = null;
  /** A page that does not come is asked for again by the listener: not at once, and for ever. */
  const next = () => {
    end.replaceChildren();
    more().catch((error) => {
      const again = h("button", { type: "button", class: "pill", onclick: next }, "Try again");
      end.replaceChildren(h("p", { class: "hint", role: "alert" }, error.message), again);
    });
  };
  const more = async () => {
    const { items, next } = await fetchPage(cursor);
    add(items);
    cursor = next ?? null;
    if (cursor !== null) watch();
  };
  // A fresh look after each page: an end that stayed in sight would not be reported again.
  const watch = () => {
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (!entry.isIntersecting) return;
        observer.disconnect();
        next();
      },
      { rootMargin: "600px" },
    );
    observer.observe(end);
  };
  await more();
  return end;
}
