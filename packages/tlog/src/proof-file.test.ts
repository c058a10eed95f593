import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leafHash } from './hash.js';
import { parsePolicy } from './parse-policy.js';
import { formatProof, parseProof } from './proof-file.js';
import { inclusionProof } from './prove.js';
import { logKey, SmallLog, witnessKey } from './small-log.kit.js';
import { verifyProof } from './verify-proof.js';

const log = new SmallLog(300);
const signers = [logKey(), witnessKey()];
const index = 137n;
const proof = await inclusionProof(log, index, 300n);
const checkpoint = log.checkpoint(signers);
const file = formatProof({ index, proof, checkpoint });
const leaf = leafHash('entry 137');
const policy = parsePolicy(`log ${logKey().vkey}\nwitness one ${witnessKey().vkey}\nquorum one\n`);
const withCode = (code: string): unknown => expect.objectContaining({ code });

test('law: a proof is read as it was written', () => {
  fc.assert(fc.property(fc.option(fc.uint8Array({ minLength: 1, maxLength: 90 }), { nil: undefined }), fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }), fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 }), (extra, at, hashes) => {
    const written = { ...(extra && { extra }), index: at, proof: hashes, checkpoint };
    expect(parseProof(formatProof(written))).toEqual(written);
    expect(formatProof(parseProof(Buffer.from(formatProof(written))))).toBe(formatProof(written));
  }));
});

test('a proof says that the leaf is in the log and that the witness saw it', () => {
  const verified = verifyProof(file, leaf, policy);
  expect([verified.proof.index, verified.checkpoint.size, verified.cosignatures.map(({ name }) => name)]).toEqual([index, 300n, ['witness.example/one']]);
});

test('extra data is nobody\'s word', () => {
  const extra = Uint8Array.of(1, 2, 3);
  expect(verifyProof(formatProof({ extra, index, proof, checkpoint }), leaf, policy).proof.extra).toEqual(extra);
});

test.each([
  ['another leaf', file, leafHash('entry 138'), policy, 'bad_proof'],
  ['a log that the policy does not name', file, leaf, parsePolicy(`log ${logKey('other.example').vkey}\nquorum none\n`), 'unknown_key'],
  ['a log\'s key under another log\'s origin', formatProof({ index, proof, checkpoint: log.checkpoint([logKey('other.example', 9), witnessKey()]) }), leaf, parsePolicy(`log ${logKey('other.example', 9).vkey}\nwitness one ${witnessKey().vkey}\nquorum one\n`), 'unknown_key'],
  ['a policy without logs', file, leaf, parsePolicy('quorum none\n'), 'unknown_key'],
  ['a missing witness', formatProof({ index, proof, checkpoint: log.checkpoint([logKey()]) }), leaf, policy, 'unknown_key'],
  ['a witness alone', formatProof({ index, proof, checkpoint: log.checkpoint([witnessKey()]) }), leaf, policy, 'unknown_key'],
] as const)('attack: %s is refused', (_, other, hash, rules, code) => {
  expect(() => verifyProof(other, hash, rules)).toThrow(withCode(code));
});

describe('attack: abuse 76: a proof file has one form', () => {
  const [header = '', indexLine = '', first = '', ...more] = file.split('\n');
  const withLine = (line: string, replacement: string) => file.replace(`${line}\n`, replacement);
  test.each([
    ['a leading zero', withLine(indexLine, 'index 0137\n')], ['CRLF', file.replaceAll('\n', '\r\n')], ['CRLF in one line', withLine(indexLine, `${indexLine}\r\n`)], ['an index of 2^63', withLine(indexLine, `index ${1n << 63n}\n`)], ['a negative index', withLine(indexLine, 'index -1\n')],
    ['two indexes', withLine(indexLine, `${indexLine}\n${indexLine}\n`)], ['no index', withLine(indexLine, '')], ['extra after the index', withLine(indexLine, `${indexLine}\nextra AAAA\n`)], ['extra twice', withLine(header, `${header}\nextra AAAA\nextra AAAA\n`)], ['empty extra', withLine(header, `${header}\nextra \n`)], ['extra without padding', withLine(header, `${header}\nextra AA\n`)], ['extra with unused bits', withLine(header, `${header}\nextra AB==\n`)],
    ['a hash without padding', withLine(first, `${first.slice(0, -1)}\n`)], ['a hash of 31 bytes', withLine(first, `${Buffer.alloc(31).toString('base64')}\n`)], ['unused bits in a hash', withLine(first, `${first.slice(0, -2)}${first.at(-2) === '9' ? '8' : String.fromCharCode((first.at(-2) ?? '').charCodeAt(0) + 1)}=\n`)], ['a space before a hash', withLine(first, ` ${first}\n`)],
    ['another version', withLine(header, 'c2sp.org/tlog-proof@v2\n')], ['a space after the version', withLine(header, `${header} \n`)], ['a byte order mark', `\ufeff${file}`], ['no last newline', file.slice(0, -1)], ['a line too many', `${file}\n`], ['no checkpoint', `${header}\n${indexLine}\n\n`], ['nothing', ''],
  ])('with %s it is malformed', (_, other) => {
    expect(() => parseProof(other)).toThrow(withCode('malformed'));
    expect(more.length).toBeGreaterThan(0);
  });

  test.each([
    ['a hash more', { proof: [...proof, leaf] }], ['a hash less', { proof: proof.slice(0, -1) }], ['the hashes turned round', { proof: [...proof].reverse() }], ['an index that is the size', { index: 300n }], ['an index beyond it', { index: index + 512n }], ['the index beside it', { index: index ^ 1n }],
  ])('with %s it proves nothing', (_, change) => {
    expect(() => verifyProof(formatProof({ index, proof, checkpoint, ...change }), leaf, policy)).toThrow(withCode('bad_proof'));
  });

  test('a proof has at most 63 hashes and 1 MiB', () => {
    expect(() => parseProof(withLine(first, `${first}\n`.repeat(64)))).toThrow(withCode('too_large'));
    expect(() => formatProof({ index, proof: Array.from({ length: 64 }, () => leaf), checkpoint })).toThrow(withCode('too_large'));
    expect(() => formatProof({ extra: new Uint8Array(1 << 20), index, proof, checkpoint })).toThrow(withCode('too_large'));
    expect(() => parseProof(new Uint8Array((1 << 20) + 1))).toThrow(withCode('too_large'));
  });
});
