import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatVerifierKey } from './key.js';
import { parsePolicy } from './parse-policy.js';
import { meetsQuorum } from './policy.js';
import { logKey, witnessKey } from './small-log.kit.js';

const names = ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'];
const keys = new Map(names.map((name, at) => [name, witnessKey(`witness.example/${name}`, 10 + at)]));
const vkey = (name: string) => keys.get(name)?.vkey ?? '';
const log = `log ${logKey().vkey}\n`;
const witnesses = names.map((name) => `witness ${name} ${vkey(name)}\n`).join('');
const example = `${log}\n${witnesses}group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n`;
const isMet = (policy: string, who: readonly string[]) => meetsQuorum(parsePolicy(policy), who.flatMap((name) => keys.get(name) ?? []));
const pqWitness = `witness pq ${formatVerifierKey('witness.example/pq', new Uint8Array(1312), 6)}\n`;

test('law: the specification\'s example is met by two of X and one of Y, and by nobody else', () => {
  fc.assert(fc.property(fc.subarray(names), (who) => {
    const of = (group: string) => who.filter((name) => name.startsWith(group)).length;
    expect(isMet(example, who)).toBe(of('X') >= 2 && of('Y') >= 1);
  }));
});

test('attack: one witness many times is one witness, and a stranger of the same name is none', () => {
  expect(isMet(example, ['X1', 'X1', 'X1', 'Y1'])).toBe(false);
  expect(meetsQuorum(parsePolicy(example), names.map((name) => ({ name: `witness.example/${name}`, keyId: 1 })))).toBe(false);
});

test('a quorum of none is met by nobody, one of a witness by it', () => {
  expect(isMet('quorum none\n', [])).toBe(true);
  expect([isMet(`${witnesses}quorum X2\n`, ['X2']), isMet(`${witnesses}quorum X2\n`, ['X1', 'Y1'])]).toEqual([true, false]);
});

test('white space, comments, URLs and names of any octets are read', () => {
  const policy = parsePolicy(`# a comment \u00e9\n \t# another\n\t log\t${logKey().vkey}  https://log.example/ \n\nwitness \u212a ${vkey('X1')} https://w.example/\nwitness K ${vkey('X2')}\ngroup none-of-them 1 \u212a K\nquorum none-of-them\n`);
  expect([policy.logs[0]?.url, policy.witnesses.map(({ name }) => name)]).toEqual(['https://log.example/', ['\u212a', 'K']]);
});

test('a witness with an ML-DSA-44 key is read, and never counts', () => {
  const policy = parsePolicy(`${pqWitness}witness X1 ${vkey('X1')}\ngroup both any pq X1\nquorum both\n`);
  expect(policy.witnesses.map(({ verifier }) => verifier === undefined)).toEqual([true, false]);
  expect([meetsQuorum(policy, []), isMet(`${pqWitness}quorum pq\n`, names)]).toEqual([false, false]);
});

describe('attack: a policy that says two things, or nothing, is malformed', () => {
  test.each([
    ['nothing', ''], ['no quorum', log], ['two quorums', 'quorum none\nquorum none\n'], ['a quorum of two', `${witnesses}quorum X1 X2\n`], ['a quorum that comes later', `quorum X1\n${witnesses}`], ['a quorum of nobody', 'quorum\n'],
    ['a name twice', `${witnesses}group X1 any X2\nquorum X1\n`], ['a group named none', `${witnesses}group none any X2\nquorum none\n`], ['a witness named none', `witness none ${vkey('X1')}\nquorum none\n`], ['a member none', `${witnesses}group g any none\nquorum g\n`],
    ['a key twice', `witness a ${vkey('X1')}\nwitness b ${vkey('X1')}\nquorum a\n`], ['a key twice, by another name', `witness a ${vkey('X1')}\nwitness b ${witnessKey('other', 10).vkey}\nquorum a\n`], ['a log twice', `${log}${log}quorum none\n`],
    ['a member twice', `${witnesses}group g 2 X1 X1\nquorum g\n`], ['a member of two groups', `${witnesses}group g any X1\ngroup h any X1\nquorum h\n`], ['a group of itself', `${witnesses}group g any g\nquorum g\n`], ['no members', `${witnesses}group g any\nquorum g\n`],
    ['none of two', `${witnesses}group g 0 X1 X2\nquorum g\n`], ['three of two', `${witnesses}group g 3 X1 X2\nquorum g\n`], ['a number with a zero', `${witnesses}group g 01 X1 X2\nquorum g\n`], ['a sign', `${witnesses}group g +1 X1 X2\nquorum g\n`], ['a fraction', `${witnesses}group g 1.5 X1 X2\nquorum g\n`],
    ['a log\'s key for a witness', `witness a ${logKey().vkey}\nquorum a\n`], ['a witness\'s key for a log', `log ${vkey('X1')}\nquorum none\n`], ['a word too many', `log ${logKey().vkey} a b\nquorum none\n`], ['an unknown word', 'quorun none\n'], ['a word of every object', 'constructor none\nquorum none\n'],
    ['CRLF', example.replaceAll('\n', '\r\n')], ['a vertical tab', 'quorum\u000bnone\n'], ['DEL', '# \u007f\nquorum none\n'], ['a NUL', '#\u0000\nquorum none\n'], ['no last newline', 'quorum none'], ['a no-break space', 'quorum\u00a0none\n'],
  ])('%s', (_, policy) => {
    expect(() => parsePolicy(policy)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  test('the message names the line', () => {
    expect(() => parsePolicy(`${log}witness a b\nquorum a\n`)).toThrow(/^line 2: /);
  });

  test('a policy has at most 1024 definitions and 1 MiB', () => {
    const group = (at: number) => `group g${at} any ${at === 0 ? 'X1' : `g${at - 1}`}\n`;
    const nested = (count: number) => `${witnesses}${Array.from({ length: count }, (_, at) => group(at)).join('')}quorum g${count - 1}\n`;
    expect(isMet(nested(1000), ['X1'])).toBe(true);
    expect(() => parsePolicy(nested(1100))).toThrow(expect.objectContaining({ code: 'too_large' }));
    expect(() => parsePolicy('#'.repeat((1 << 20) + 1))).toThrow(expect.objectContaining({ code: 'too_large' }));
  });
});
