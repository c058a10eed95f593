/** Up to here `indexOf` is faster; its time is the product of both lengths at worst. */
const shortMax = 32;

/** What `indexOf` finds, in a time that grows with the sum of both lengths (Knuth, Morris and Pratt 1977). */
export function find(text: string, sought: string, from: number): number {
  if (sought.length <= shortMax) return text.indexOf(sought, from);
  const fallbacks = fallbacksOf(sought);
  let matched = 0;
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    while (matched > 0 && sought.charCodeAt(matched) !== unit) matched = fallbacks[matched - 1] ?? 0;
    if (sought.charCodeAt(matched) === unit) matched++;
    if (matched === sought.length) return at + 1 - matched;
  }
  return -1;
}

/** For each beginning of a text, how long the longest of its own beginnings is that it ends with. */
function fallbacksOf(text: string): Uint32Array {
  const fallbacks = new Uint32Array(text.length);
  for (let at = 1, length = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    while (length > 0 && text.charCodeAt(length) !== unit) length = fallbacks[length - 1] ?? 0;
    if (text.charCodeAt(length) === unit) length++;
    fallbacks[at] = length;
  }
  return fallbacks;
}
