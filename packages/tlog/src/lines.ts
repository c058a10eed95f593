import { decodeText, encodeText } from './octets.js';
import { TlogError } from './tlog-error.js';

/** Longest note, proof or policy that is read, in bytes. */
export const textBytesMax = 1 << 20;

/** A text of at most 1 MiB of UTF-8, from bytes or as it is; refuses what is not Unicode. */
export function boundedText(input: Uint8Array | string): string {
  if (input.length > textBytesMax) throw tooLarge();
  if (typeof input !== 'string') {
    const text = decodeText(input);
    if (text === undefined) throw new TlogError('malformed', 'expected UTF-8');
    return text;
  }
  if (!input.isWellFormed()) throw new TlogError('malformed', 'expected Unicode text');
  if (encodeText(input).length > textBytesMax) throw tooLarge();
  return input;
}

/** Refuses ASCII control characters but the newline (signed-note, Format); so there is no CR either. */
export function checkControls(text: string): void {
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) throw new TlogError('malformed', 'expected no control characters');
}

const tooLarge = () => new TlogError('too_large', 'expected at most 1 MiB');
