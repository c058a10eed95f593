import { TlogError } from './tlog-error.js';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Map([...alphabet].map((letter, value) => [letter.charCodeAt(0), value]));

/** Standard base64 with padding (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const letters = letterOf(group >> 18) + letterOf(group >> 12) + letterOf(group >> 6) + letterOf(group);
    text += letters.slice(0, Math.min(3, bytes.length - at) + 1).padEnd(4, '=');
  }
  return text;
}

/**
 * The bytes of standard base64 (RFC 4648, section 4), or `malformed`. One text only leads to any bytes: padded, without
 * white space, unused bits zero; what could be written in two ways could be changed without being noticed.
 */
export function fromBase64(text: string): Uint8Array {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  if (text.length % 4 !== 0) throw notBase64();
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  for (let at = 0, out = 0; at < text.length; at += 4, out += 3) {
    const used = at + 4 === text.length ? 4 - padding : 4;
    let group = 0;
    for (let letter = 0; letter < 4; letter++) group = (group << 6) | (letter < used ? valueOf(text.charCodeAt(at + letter)) : 0);
    if (used < 4 && (group & (used === 2 ? 0xffff : 0xff)) !== 0) throw notBase64();
    for (let byte = 0; byte < used - 1; byte++) bytes[out + byte] = group >> (16 - 8 * byte);
  }
  return bytes;
}

const letterOf = (bits: number): string => alphabet.charAt(bits & 63);

function valueOf(letter: number): number {
  const value = values.get(letter);
  if (value === undefined) throw notBase64();
  return value;
}

const notBase64 = () => new TlogError('malformed', 'expected canonical base64');
