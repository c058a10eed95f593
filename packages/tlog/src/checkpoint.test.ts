import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatCheckpoint, openCheckpoint, parseCheckpoint } from './checkpoint.js';
import { openCosigned, parseCosignerKey } from './cosignature.js';
import { formatVerifierKey, parseVerifierKey } from './key.js';
import { signNote } from './open-note.js';
import { cosignTime, logKey, origin, SmallLog, witnessKey } from './small-log.kit.js';

const key = logKey();
const witness = witnessKey();
const verifiers = [parseVerifierKey(key.vkey)];
const cosigners = [parseCosignerKey(witness.vkey)];
const log = new SmallLog(7);
const text = formatCheckpoint({ origin, ...log.head() });
const withCode = (code: string): unknown => expect.objectContaining({ code });
const anyLine = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter((line) => !/[\u0000-\u001f]/.test(line) && line.isWellFormed());

test('law: a checkpoint is read as it was written', () => {
  fc.assert(fc.property(anyLine, fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }), fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.array(anyLine, { maxLength: 3 }), (name, size, root, extensions) => {
    const checkpoint = { origin: name, size, root, extensions };
    expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
  }));
});

test('a log\'s checkpoint opens with its key, and is refused as another log\'s', () => {
  const open = openCheckpoint(log.checkpoint(), origin, verifiers);
  expect([open.size, Buffer.from(open.root).equals(log.edge.root()), open.verified.length]).toEqual([7n, true, 1]);
  expect(() => openCheckpoint(log.checkpoint(), 'other.example', verifiers)).toThrow(withCode('wrong_origin'));
  expect(() => openCheckpoint(log.checkpoint([logKey(origin, 9)]), origin, verifiers)).toThrow(withCode('unknown_key'));
});

describe('attack: abuse 76: a checkpoint has one form', () => {
  const [, size = '', root = ''] = text.split('\n');
  test.each([
    ['a leading zero', text.replace(`\n${size}\n`, `\n0${size}\n`)], ['a sign', text.replace(`\n${size}\n`, `\n+${size}\n`)], ['a size of 2^63', text.replace(`\n${size}\n`, `\n${1n << 63n}\n`)], ['a hexadecimal size', text.replace(`\n${size}\n`, '\n0x7\n')], ['an exponent', text.replace(`\n${size}\n`, '\n1e3\n')], ['no size', text.replace(`\n${size}\n`, '\n\n')],
    ['CRLF', text.replaceAll('\n', '\r\n')], ['a space after the size', text.replace(`\n${size}\n`, `\n${size} \n`)], ['no padding', text.replace('=\n', '\n')], ['more padding', text.replace('=\n', '==\n')],
    ['unused bits in the root', text.replace(root, `${root.slice(0, -2)}${root.at(-2) === 'Q' ? 'R' : String.fromCharCode((root.at(-2) ?? '').charCodeAt(0) + 1)}=`)], ['a root of 31 bytes', text.replace(root, Buffer.alloc(31).toString('base64'))], ['a root of 33 bytes', text.replace(root, Buffer.alloc(33).toString('base64'))],
    ['an empty extension', `${text}\n`], ['no origin', text.slice(origin.length)], ['two lines', text.split('\n').slice(0, 2).join('\n')], ['no last newline', text.slice(0, -1)], ['digits of another script', text.replace(`\n${size}\n`, '\n٧\n')],
  ])('with %s it is malformed', (_, other) => {
    expect(() => parseCheckpoint(other)).toThrow(withCode('malformed'));
  });

  test('what cannot be read again is not written', () => {
    for (const change of [{ origin: '' }, { origin: 'a\nb' }, { origin: 'a\r' }, { root: new Uint8Array(31) }, { size: -1n }, { size: 1n << 63n }, { extensions: [''] }]) expect(() => formatCheckpoint({ origin, ...log.head(), ...change })).toThrow();
  });
});

describe('cosignatures', () => {
  test('tell who cosigned and when, whatever the log\'s key', () => {
    expect(openCosigned(log.checkpoint([key, witness]), cosigners)).toEqual([{ name: witness.name, keyId: witness.keyId, time: cosignTime }]);
    expect(openCosigned(log.checkpoint([key]), cosigners)).toEqual([]);
  });

  test('of one key count once, with the latest time', () => {
    const note = log.checkpoint([key, witnessKey(witness.name, 2, 5n), witness, witnessKey(witness.name, 2, 7n)]);
    expect(openCosigned(note, cosigners)).toEqual([{ name: witness.name, keyId: witness.keyId, time: cosignTime }]);
  });

  test('attack: another time, another text, another length and a plain signature by the same key are refused', () => {
    const signed = witness.sign(Buffer.from(text));
    for (const wrong of [signed.map((byte, at) => (at === 7 ? byte ^ 1 : byte)), signed.slice(8), Uint8Array.from([...signed, 0]), witness.sign(Buffer.from(`${text}x\n`)), witnessKey(witness.name, 2, 1n << 63n).sign(Buffer.from(text))]) {
      expect(() => openCosigned(signNote(text, [key, { ...witness, sign: () => wrong }]), cosigners)).toThrow(withCode('bad_signature'));
    }
  });

  test('attack: a cosignature on what is no checkpoint says nothing', () => {
    expect(() => openCosigned(signNote('hello\n', [witness]), cosigners)).toThrow(withCode('malformed'));
  });

  test('ML-DSA-44 keys are refused, and lines of theirs are ignored as unknown', () => {
    expect(() => parseCosignerKey(formatVerifierKey('witness.example/pq', new Uint8Array(1312), 6))).toThrow(withCode('malformed'));
    expect(() => parseCosignerKey(key.vkey)).toThrow(withCode('malformed'));
    const line = { name: 'witness.example/pq', keyId: 1, sign: () => new Uint8Array(8 + 2420) };
    expect(openCosigned(log.checkpoint([key, line, witness]), cosigners)).toHaveLength(1);
    expect(openCheckpoint(log.checkpoint([key, line]), origin, verifiers).unknown).toHaveLength(1);
  });
});
