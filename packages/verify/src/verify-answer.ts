import { createHash, verify } from 'node:crypto';
import { canonicalText } from './leaf/canonical.js';
import { type Entry, readEntryText } from './leaf/entry.js';
import { isMembers, type Members } from './leaf/members.js';
import { readCoseKey } from './evidence/cose-key.js';
import { bodyDigest } from './record/payloads.js';

/** An entry of the log, as its leaf is written, and what it commits to and can be erased. */
export interface RecordedText {
  readonly leaf: string;
  readonly salt: string;
  readonly content: string;
}

export type AnswerVerdict =
  | {
      readonly holds: true;
      /** The answer: which question, which way, and by whose key; the person is a reference. */
      readonly answer: { readonly hold: string; readonly digest: string; readonly seen: string; readonly agrees: boolean; readonly person: string };
    }
  | { readonly holds: false; readonly fault: string };

/**
 * That a person's own key signed an answer, from the record alone: the answer's entry, the entry that added the key, and what
 * both commit to. That the entries are in the log is for `verifyReceipt` and `verifyLog` to say.
 */
export function verifyAnswer(answer: RecordedText, key: RecordedText): AnswerVerdict {
  const [answered, added] = [open(answer), open(key)];
  return answered && added ? verifySigned(answered, added) : wrong('expected two entries with what they commit to');
}

/** An entry and what it commits to, of which somebody has made sure. */
export interface Committed {
  readonly entry: Entry;
  readonly content: string;
}

/** As `verifyAnswer`, of entries that were read already. */
export function verifySigned(answer: Committed, key: Committed): AnswerVerdict {
  try {
    return verdictOf(answer, key);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return wrong('what was kept of the signature cannot be read');
    throw error;
  }
}

function verdictOf(answered: Committed, added: Committed): AnswerVerdict {
  const said = saidBy(answered.entry);
  const [content, own] = [answered, added].map((each) => JSON.parse(each.content) as unknown);
  const proof = isMembers(content) ? content['signature'] : undefined;
  if (!said || !isTexts(proof, ['nonce', 'credential', 'client_data', 'authenticator_data', 'signature'])) return wrong('this answer was not signed');
  if (!isTexts(own, ['credential', 'public_key', 'relying_party', 'origin']) || added.entry.kind !== 'authenticator.added') return wrong('expected the entry that added the key');
  if (said.signature['authenticator'] !== added.entry.id || added.entry.body['person'] !== said.person || proof.credential !== own.credential) return wrong('the answer was signed with another key, or for another person');
  const fault = clientFault(bytesOf(proof.client_data), challengeOf(said, proof.nonce), own.origin) ?? authenticatorFault(bytesOf(proof.authenticator_data), own.relying_party, said.signature['counter']);
  if (fault !== undefined) return wrong(fault);
  if (!isSigned(proof, own.public_key)) return wrong('the signature is not by this key');
  const { signature: _, narrow: __, ...told } = said;
  return { holds: true, answer: told };
}

const wrong = (fault: string): AnswerVerdict => ({ holds: false, fault });

function open({ leaf, salt, content }: RecordedText): Committed | undefined {
  const read = readEntryText(leaf);
  return 'entry' in read && read.entry.payload === bodyDigest({ salt, content }) ? { entry: read.entry, content } : undefined;
}

interface Said {
  readonly hold: string;
  readonly digest: string;
  readonly seen: string;
  readonly agrees: boolean;
  readonly person: string;
  readonly narrow: unknown;
  readonly signature: Members;
}

/** An approval agrees; what settles a hold as refused does not. Nothing else is an answer. */
function saidBy({ kind, body, settles }: Entry): Said | undefined {
  const hold = kind === 'approval' ? body['hold'] : settles;
  const isAnswer = kind === 'approval' || (kind === 'hold.settled' && body['status'] === 'refused');
  const { digest, seen, person, signature, narrow } = body;
  if (!isAnswer || typeof hold !== 'string' || typeof digest !== 'string' || typeof seen !== 'string' || typeof person !== 'string' || !isMembers(signature)) return undefined;
  return { hold, digest, seen, agrees: kind === 'approval', person, narrow, signature };
}

/** What the key was shown: SHA-256 of the answer, as canonical JSON, with its nonce. */
function challengeOf({ hold, digest, seen, agrees, narrow }: Said, nonce: string): string {
  const text = canonicalText({ context: 'flyball answer v1', hold, digest, seen, agrees, nonce, ...(narrow !== undefined && { narrow }) });
  return createHash('sha256').update(text ?? '').digest('base64url');
}

/** What the browser says that it asked for (Web Authentication, section 5.8.1). */
function clientFault(bytes: Uint8Array, challenge: string, origin: string): string | undefined {
  const data: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  if (!isMembers(data) || data['type'] !== 'webauthn.get') return 'what was signed is no answer';
  if (data['challenge'] !== challenge) return 'what was signed is another answer';
  return data['origin'] === origin && data['crossOrigin'] !== true ? undefined : 'what was signed was asked for by another page';
}

const userPresent = 1;
const userVerified = 4;

/** What the authenticator says of itself (Web Authentication, section 6.1). */
function authenticatorFault(data: Uint8Array, relyingParty: string, counter: unknown): string | undefined {
  const bytes = Buffer.from(data);
  if (bytes.length < 37 || !bytes.subarray(0, 32).equals(createHash('sha256').update(relyingParty).digest())) return 'the key is another site\'s';
  const flags = bytes[32] ?? 0;
  if ((flags & userPresent) === 0 || (flags & userVerified) === 0) return 'nobody proved to be there';
  return bytes.readUInt32BE(33) === counter ? undefined : 'the record counts otherwise than the key';
}

function isSigned({ client_data: client, authenticator_data: authenticator, signature }: Readonly<Record<'client_data' | 'authenticator_data' | 'signature', string>>, publicKey: string): boolean {
  const cose = readCoseKey(bytesOf(publicKey));
  const message = Buffer.concat([bytesOf(authenticator), createHash('sha256').update(bytesOf(client)).digest()]);
  return cose !== undefined && verify(cose.digest, message, cose.key, bytesOf(signature));
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64url');

const isTexts = <K extends string>(value: unknown, names: readonly K[]): value is Readonly<Record<K, string>> => isMembers(value) && names.every((name) => typeof value[name] === 'string');
