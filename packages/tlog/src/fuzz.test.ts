import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromBase64, toBase64 } from './base64.js';
import { decodeBundle, encodeBundle } from './bundle.js';
import { openCheckpoint, parseCheckpoint } from './checkpoint.js';
import { openCosigned, parseCosignerKey } from './cosignature.js';
import { parseVerifierKey } from './key.js';
import { parseNote } from './note.js';
import { parsePolicy } from './parse-policy.js';
import { formatProof, parseProof } from './proof-file.js';
import { inclusionProof } from './prove.js';
import { logKey, origin, SmallLog, witnessKey } from './small-log.kit.js';
import { parsePath } from './tile.js';
import { TlogError } from './tlog-error.js';
import { addCheckpoint } from './witness.js';

const log = new SmallLog(20);
const note = log.checkpoint([logKey(), witnessKey()]);
const text = parseNote(note).text;
const proof = formatProof({ extra: Uint8Array.of(1, 2), index: 3n, proof: await inclusionProof(log, 3n, 20n), checkpoint: note });
const policy = `log ${logKey().vkey}\nwitness one ${witnessKey().vkey} https://w.example\ngroup g 1 one\nquorum g\n`;
const verifiers = [parseVerifierKey(logKey().vkey)];
const cosigners = [parseCosignerKey(witnessKey().vkey)];
const latin = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

const parsers: readonly (readonly [string, string, (input: Uint8Array) => unknown])[] = [
  ['parseNote', note, parseNote],
  ['parseNote of text', note, (input) => parseNote(Buffer.from(input).toString())],
  ['openCheckpoint', note, (input) => openCheckpoint(input, origin, verifiers)],
  ['openCosigned', note, (input) => openCosigned(input, cosigners)],
  ['parseCheckpoint', text, (input) => parseCheckpoint(latin(input))],
  ['parseProof', proof, parseProof],
  ['parsePolicy', policy, parsePolicy],
  ['parseVerifierKey', logKey().vkey, (input) => parseVerifierKey(latin(input))],
  ['parseCosignerKey', witnessKey().vkey, (input) => parseCosignerKey(latin(input))],
  ['parsePath', 'tile/0/x001/067.p/8', (input) => parsePath(latin(input))],
  ['decodeBundle', latin(encodeBundle([Uint8Array.of(1), Uint8Array.of(2, 3)])), (input) => decodeBundle(input, 2)],
  ['fromBase64', 'AAECAwQ=', (input) => fromBase64(latin(input))],
];

/** Bytes taken out, put in, doubled, changed: what a hand or a disk does. */
const mutated = (valid: string) => fc.array(fc.record({ at: fc.nat(2000), take: fc.nat(6), put: fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.constantFrom('\n', '\n\n', '\r', ' ', '0', '=', '+', '\u2014 ', 'extra ', 'index ').map((word) => Uint8Array.from(Buffer.from(word)))) }), { minLength: 1, maxLength: 4 }).map((changes) => {
  let bytes = Buffer.from(valid);
  for (const { at, take, put } of changes) {
    const from = bytes.length === 0 ? 0 : at % bytes.length;
    bytes = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + take)]);
  }
  return Uint8Array.from(bytes);
});

describe('law: nothing but a TlogError comes of', () => {
  test.each(parsers)('%s', (_, valid, parse) => {
    parse(Uint8Array.from(Buffer.from(valid, parse === parsers[10]?.[2] ? 'latin1' : 'utf8')));
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), mutated(valid), fc.string({ unit: 'binary' }).map((other) => Uint8Array.from(Buffer.from(other)))), (input) => {
      try {
        parse(input);
      } catch (error) {
        if (!(error instanceof TlogError)) throw error;
      }
    }), { numRuns: 400 });
  });

  test('addCheckpoint, whatever the witness answers', async () => {
    const anyAnswer = fc.record({ status: fc.constantFrom(200, 409, 400, 500), contentType: fc.constantFrom('text/x.tlog.size', 'text/plain', ''), body: fc.oneof(fc.string(), mutated(note).map((bytes) => Buffer.from(bytes).toString())) });
    await fc.assert(fc.asyncProperty(anyAnswer, async (answer) => {
      await addCheckpoint(() => Promise.resolve(answer), { oldSize: 0n, proof: [], checkpoint: note }).catch((error: unknown) => {
        if (!(error instanceof TlogError)) throw error;
      });
    }));
  });
});

test('law: what a mutated proof still says, it says in one way only', () => {
  fc.assert(fc.property(mutated(proof), (input) => {
    try {
      expect(formatProof(parseProof(input))).toBe(Buffer.from(input).toString());
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
    }
  }), { numRuns: 1000 });
});

test('law: base64 is that of Node, and its only form', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
    expect(fromBase64(toBase64(bytes))).toEqual(bytes);
  }));
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'ABab01+/='), maxLength: 12 }), (other) => {
    try {
      expect(toBase64(fromBase64(other))).toBe(other);
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
    }
  }), { numRuns: 1000 });
});
