// What is computed without a page: words of commands, and where things are in a window of rows.

export const MOST_PIXELS = 8_000_000; // browsers draw no higher element than some 17 million

/** A key as KEYS take it, whatever it looks like. */
export const literal = (key) => `key:${key}`;

/** What somebody typed into the search, as KEYS: sets are one word, plain words are beginnings of keys. */
export function selectors(text) {
  const typed = text.trim();
  if (typed === "") return [];
  if (/ [-|&] /.test(typed)) return [typed];
  return typed.split(/\s+/).map((word) => (/^[\w-]+$/.test(word) ? `${word}*` : word));
}

/** How high the area is that scrolls. */
export const height = (total, row) => Math.min(total * row, MOST_PIXELS);

/** The first row that is shown where somebody scrolled to. */
export function firstRow(top, total, row, fitting) {
  const most = Math.max(0, total - fitting);
  const way = height(total, row) - fitting * row;
  return way <= 0 ? 0 : Math.min(most, Math.max(0, Math.round((top / way) * most)));
}

/** Where to scroll to, to show that row first. */
export function scrollTop(first, total, row, fitting) {
  const most = Math.max(0, total - fitting);
  return most === 0 ? 0 : (first / most) * (height(total, row) - fitting * row);
}

/** The keys of a list that somebody pasted. */
export const pasted = (text) => [...new Set(text.split(/\r?\n/).filter((line) => line !== ""))];
