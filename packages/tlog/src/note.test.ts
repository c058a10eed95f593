import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatVerifierKey, keyIdOf, parseVerifierKey } from './key.js';
import { parseNote } from './note.js';
import { openNote, signNote } from './open-note.js';
import { logKey, witnessKey } from './small-log.kit.js';

const specKey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const specNote = 'This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';
const key = logKey();
const verifier = parseVerifierKey(key.vkey);
const note = signNote('text\n', [key]);
const line = note.slice('text\n\n'.length);
const withCode = (code: string): unknown => expect.objectContaining({ code });

test('the key of the specification verifies the note of the specification', () => {
  const { text, verified, unknown } = openNote(specNote, [parseVerifierKey(specKey)]);
  expect([text, verified.length, unknown.length]).toEqual(['This is an example message.\n', 1, 0]);
});

test('law: a signed text opens as it was, from text and from bytes', () => {
  const anyText = fc.string({ unit: 'grapheme', maxLength: 60 }).filter((text) => !/[\u0000-\u001f]/.test(text) && text.isWellFormed());
  fc.assert(fc.property(fc.array(anyText, { maxLength: 5 }), (lines) => {
    const text = `${lines.join('\n')}\n`;
    const signed = signNote(text, [key, witnessKey()]);
    expect(openNote(signed, [verifier]).text).toBe(text);
    expect(openNote(Buffer.from(signed), [verifier])).toEqual(openNote(signed, [verifier]));
  }), { numRuns: 60 });
});

test('law: a key as text is the key', () => {
  expect(formatVerifierKey(key.name, verifier.publicKey)).toBe(key.vkey);
  expect(verifier.keyId).toBe(keyIdOf(key.name, 1, key.publicKey));
});

test('a text is split from its signatures at the last empty line', () => {
  const text = 'one\n\n\u2014 not a signature\n\n\n';
  expect(openNote(signNote(text, [key]), [verifier]).text).toBe(text);
});

test('a byte order mark is part of what was signed', () => {
  const signed = signNote('\ufefftext\n', [key]);
  expect(openNote(Buffer.from(signed), [verifier]).text).toBe('\ufefftext\n');
  expect(() => openNote(Buffer.from(`\ufeff${note}`), [verifier])).toThrow(withCode('bad_signature'));
});

describe('who signed', () => {
  const stranger = logKey('stranger.example', 9);
  const impostor = logKey(key.name, 9);

  test('unknown keys are ignored, and alone they are not enough', () => {
    const { verified, unknown } = openNote(signNote('text\n', [stranger, key, impostor]), [verifier]);
    expect([verified.map(({ name }) => name), unknown.length]).toEqual([[key.name], 2]);
    expect(() => openNote(signNote('text\n', [stranger, impostor]), [verifier])).toThrow(withCode('unknown_key'));
    expect(() => openNote(note, [])).toThrow(withCode('unknown_key'));
  });

  test('attack: a known key\'s bad signature refuses the note, whoever else signed it, also as the second of one key', () => {
    const bad = { ...stranger, sign: () => new Uint8Array(64) };
    const known = [verifier, parseVerifierKey(stranger.vkey)];
    expect(() => openNote(signNote('text\n', [key, bad]), known)).toThrow(withCode('bad_signature'));
    expect(() => openNote(signNote('text\n', [key, { ...key, sign: () => key.sign(Buffer.from('other\n')) }]), [verifier])).toThrow(withCode('bad_signature'));
  });

  test('attack: one key that signs twice counts once', () => {
    expect(openNote(note + line, [verifier]).verified).toHaveLength(1);
  });

  test('two verifiers for one name and id are refused: which one is meant', () => {
    expect(() => openNote(note, [verifier, verifier])).toThrow(withCode('conflict'));
  });
});

test.each([
  ['nothing', ''], ['no signature', 'text\n\n'], ['no empty line', `text\n${line}`], ['no last newline', note.slice(0, -1)], ['a CR', note.replace('\n', '\r\n')], ['a tab', `\t${note}`], ['a NUL', `\u0000${note}`],
  ['a hyphen for the dash', note.replace('\u2014', '-')], ['two spaces', note.replace('\u2014 ', '\u2014  ')], ['a space at the end', note.replace(/\n$/, ' \n')], ['a third word', note.replace(/\n$/, ' x\n')],
  ['no name', note.replace(key.name, '')], ['a plus in the name', note.replace(key.name, 'a+b')], ['a Unicode space in the name', note.replace(key.name, 'a\u2003b')], ['NEL in the name', note.replace(key.name, 'a\u0085b')],
  ['base64 without padding', note.replace('=\n', '\n')], ['base64url', note.replace(line, line.replaceAll('+', '-').replaceAll('/', '_').replace(/(\w)=/, '-='))], ['only a key id', `text\n\n\u2014 ${key.name} AAAAAA==\n`], ['half a character', `\ud800${note}`], ['a line of text below', `${note}text\n`],
])('attack: a note with %s is malformed', (_, other) => {
  expect(() => parseNote(other)).toThrow(withCode('malformed'));
});

test('attack: base64 has one form: the unused bits of the last letter are zero', () => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const last = note.charAt(note.indexOf('=\n') - 1);
  const twin = letters.charAt(letters.indexOf(last) + 1);
  expect(() => parseNote(note.replace(`${last}=\n`, `${twin}=\n`))).toThrow(withCode('malformed'));
});

test('a note has at most 100 signatures and 1 MiB', () => {
  expect(parseNote(note + line.repeat(99)).signatures).toHaveLength(100);
  expect(() => parseNote(note + line.repeat(100))).toThrow(withCode('too_large'));
  expect(() => parseNote(`${'x'.repeat(1 << 20)}${note}`)).toThrow(withCode('too_large'));
  expect(() => parseNote(`${'\u20ac'.repeat(400_000)}${note}`)).toThrow(withCode('too_large'));
});

test.each([
  ['another id', specKey.replace('530d903a', '530d903b')], ['capitals in the id', specKey.replace('530d903a', '530D903A')], ['another name', specKey.replace('foo', 'bar')], ['no name', specKey.slice(15)], ['a space', ` ${specKey}`],
  ['a longer key', formatVerifierKey('a', new Uint8Array(33))], ['a key of cosignatures', witnessKey().vkey], ['an unknown type', formatVerifierKey('a', new Uint8Array(32), 9)], ['nothing', ''], ['a line end', `${specKey}\n`], ['much', `a+${'0'.repeat(5000)}`],
])('attack: a verifier key with %s is malformed', (_, vkey) => {
  expect(() => parseVerifierKey(vkey)).toThrow(withCode('malformed'));
});

test('a text that no note can have is not signed', () => {
  for (const text of ['text', '', 'a\r\n', 'a\tb\n', '\ud800\n']) expect(() => signNote(text, [key])).toThrow(withCode('malformed'));
  expect(() => signNote('text\n', [{ ...key, name: 'a b' }])).toThrow(withCode('malformed'));
  expect(() => signNote('text\n', [])).toThrow(withCode('unknown_key'));
});
