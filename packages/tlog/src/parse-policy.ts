import { cosignerVerifier } from './cosignature.js';
import { cosignatureType, ed25519Type, mlDsaType, noteVerifier, parseVkey, type VerifierKey, type Vkey } from './key.js';
import { textBytesMax } from './lines.js';
import { decodeText, encodeText, sameBytes } from './octets.js';
import type { Policy, PolicyLog, PolicyWitness, Quorum } from './policy.js';
import { TlogError } from './tlog-error.js';

/** Most logs, witnesses and groups together; the specification asks for 32 of each. */
const definitionsMax = 1024;

/**
 * A policy file (tlog-policy, Policy file syntax and structure): at most 1 MiB, 1024 definitions; `malformed`, with the
 * line, or `too_large`. Keys of logs have type 0x01, those of witnesses 0x04. An ML-DSA-44 key (0x06) may stand in either
 * place and never counts: its signatures cannot be verified here.
 */
export function parsePolicy(file: Uint8Array | string): Policy {
  const octets = typeof file === 'string' ? encodeText(file) : file;
  if (octets.length > textBytesMax) throw new TlogError('too_large', 'expected at most 1 MiB');
  const lines = octetText(octets).split('\n');
  if (lines.pop() !== '') throw new TlogError('malformed', 'expected a policy that ends with a newline');
  const reading: Reading = { logs: [], witnesses: [], keys: { log: [], witness: [] }, defined: new Map(), quorum: undefined };
  lines.forEach((line, at) => readNumberedLine(reading, line, at + 1));
  const { logs, witnesses, quorum } = reading;
  if (!quorum) throw new TlogError('malformed', 'expected a quorum');
  return { logs, witnesses, quorum };
}

interface Reading {
  readonly logs: PolicyLog[];
  readonly witnesses: PolicyWitness[];
  readonly keys: Readonly<Record<'log' | 'witness', Uint8Array[]>>;
  /** What names mean, and whether a group has them already: each counts in one way only. */
  readonly defined: Map<string, { readonly quorum: Quorum; isMember: boolean }>;
  quorum: Quorum | undefined;
}

function readNumberedLine(reading: Reading, line: string, number: number): void {
  try {
    readLine(reading, line);
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw new TlogError(cause.code, `line ${number}: ${cause.message}`, { cause });
  }
}

function readLine(reading: Reading, line: string): void {
  if (/[^\t\x20-\x7e\x80-\xff]/.test(line)) throw new TlogError('malformed', 'expected no control characters');
  const [word, ...words] = line.split(/[ \t]+/).filter((part) => part !== '');
  if (word === undefined || word.startsWith('#')) return;
  if (reading.defined.size + reading.logs.length >= definitionsMax) throw new TlogError('too_large', `expected at most ${definitionsMax} definitions`);
  const read = Object.hasOwn(readers, word) ? readers[word] : undefined;
  if (!read) throw new TlogError('malformed', 'expected log, witness, group or quorum');
  read(reading, words);
}

const readers: Readonly<Record<string, (reading: Reading, words: readonly string[]) => void>> = {
  log(reading, words) {
    reading.logs.push(readKey(reading, 'log', words));
  },
  witness(reading, [name, ...words]) {
    const witness = { name: define(reading, name), ...readKey(reading, 'witness', words) };
    reading.witnesses.push({ ...witness, name: textOf(witness.name) });
    reading.defined.set(witness.name, { quorum: { kind: 'witness', key: witness.key }, isMember: false });
  },
  group(reading, [name, threshold = '', ...members]) {
    const defined = define(reading, name);
    const quorums = members.map((member) => join(reading, member));
    reading.defined.set(defined, { quorum: { kind: 'group', least: leastOf(threshold, members.length), members: quorums }, isMember: false });
  },
  quorum(reading, [name, ...more]) {
    if (reading.quorum || name === undefined || more.length > 0) throw new TlogError('malformed', 'expected one quorum, of one name');
    reading.quorum = name === 'none' ? { kind: 'none' } : definition(reading, name).quorum;
  },
};

/** A name that is free to be defined. */
function define(reading: Reading, name: string | undefined): string {
  if (name === undefined || name === 'none' || reading.defined.has(name)) throw new TlogError('malformed', 'expected a name that is not defined yet');
  return name;
}

function definition(reading: Reading, name: string) {
  const defined = reading.defined.get(name);
  if (!defined) throw new TlogError('malformed', 'expected a name that a line before defines');
  return defined;
}

function join(reading: Reading, name: string): Quorum {
  const defined = definition(reading, name);
  if (defined.isMember) throw new TlogError('malformed', 'expected a name to be the member of one group');
  defined.isMember = true;
  return defined.quorum;
}

function leastOf(threshold: string, members: number): number {
  const least = threshold === 'all' ? members : threshold === 'any' ? 1 : /^[1-9]\d{0,3}$/.test(threshold) ? Number(threshold) : 0;
  if (least < 1 || least > members) throw new TlogError('malformed', 'expected all, any or a number of members');
  return least;
}

function readKey(reading: Reading, role: 'log' | 'witness', [octets = '', url, ...more]: readonly string[]): PolicyLog {
  if (more.length > 0) throw new TlogError('malformed', 'expected at most a key and a URL');
  const vkey = parseVkey(textOf(octets));
  if (reading.keys[role].some((key) => sameBytes(key, vkey.publicKey))) throw new TlogError('malformed', 'expected a key once');
  reading.keys[role].push(vkey.publicKey);
  return { key: { name: vkey.name, keyId: vkey.keyId }, verifier: verifierOf(role, vkey), url: url === undefined ? undefined : textOf(url) };
}

function verifierOf(role: 'log' | 'witness', vkey: Vkey): VerifierKey | undefined {
  if (vkey.type === mlDsaType) return undefined;
  if (vkey.type !== { log: ed25519Type, witness: cosignatureType }[role]) throw new TlogError('malformed', `expected the type of a ${role}'s key`);
  return role === 'log' ? noteVerifier(vkey) : cosignerVerifier(vkey);
}

/** Names are octets, not text: two that would read the same are two. */
function octetText(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets) text += String.fromCharCode(octet);
  return text;
}

function textOf(octets: string): string {
  const text = decodeText(Uint8Array.from(octets, (octet) => octet.charCodeAt(0)));
  if (text === undefined) throw new TlogError('malformed', 'expected UTF-8 in a name, a key or a URL');
  return text;
}
