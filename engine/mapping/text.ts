const SURROGATE = /[\ud800-\udfff]/;

/** Texts are counted and cut in characters (code points), so an emoji counts once and is never cut in half. */
export function textLength(text: string): number {
  return SURROGATE.test(text) ? Array.from(text).length : text.length;
}

export function sliceText(text: string, start: number, end?: number): string {
  return SURROGATE.test(text) ? Array.from(text).slice(start, end).join("") : text.slice(start, end);
}

/** Place of a text in another in characters from 0, or −1. */
export function placeOf(text: string, wanted: string, from: number): number {
  if (!SURROGATE.test(text)) return text.indexOf(wanted, from);
  const start = sliceText(text, 0, from).length;
  const found = text.indexOf(wanted, start);
  return found < 0 ? -1 : textLength(text.slice(0, found));
}

/** Results of REPT, JOIN and others stay below this many characters. */
export const LONGEST_TEXT = 1_000_000;

/** Letters without their accents; letters that are more than an accent away (ß, æ, ø, ł) by their usual spelling. */
export function withoutAccents(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{M}+/gu, "")
    .replace(/[ßæœøłđðþıÆŒØŁĐÐÞẞ]/g, (letter) => SPELLED[letter] ?? letter);
}

const SPELLED: { [letter: string]: string } = {
  ß: "ss",
  ẞ: "SS",
  æ: "ae",
  Æ: "AE",
  œ: "oe",
  Œ: "OE",
  ø: "o",
  Ø: "O",
  ł: "l",
  Ł: "L",
  đ: "d",
  Đ: "D",
  ð: "d",
  Ð: "D",
  þ: "th",
  Þ: "Th",
  ı: "i",
};
