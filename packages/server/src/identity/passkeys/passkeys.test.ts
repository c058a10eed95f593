import { type RecordedText, verifyAnswer } from '@flyball/verify';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../../../../test/support/identity-kit.js';
import { MemoryStore, MemoryTables } from '../../../../../test/support/memory-store.js';
import { type SigningTerms, SoftAuthenticator } from '../../../../../test/support/authenticator.js';
import { type Fold, Ledger, Projections } from '../../ledger/index.js';
import { foldPasskeys, type PasskeysState } from './fold.js';
import { Passkeys } from './passkeys.js';
import { challengeOf, type Statement } from './statement.js';

const origin = 'https://flyball.example';
const relyingParty = 'flyball.example';
const hold = '019a0000-0000-7000-8000-000000000001';
const digest = `sha256:${'3f'.repeat(32)}`;
const seen = `sha256:${'9c'.repeat(32)}`;
const statement: Statement = { hold, digest, seen, agrees: true };
const refOf = (person: string) => Promise.resolve(`person:${Buffer.from(person).toString('hex').padEnd(64, '0')}`);

let clock: FakeClock;
let tables: MemoryTables;
let ledger: Ledger;
let passkeys: Passkeys;
beforeEach(() => {
  clock = new FakeClock();
  tables = new MemoryTables();
  ledger = node();
  passkeys = keysOf(ledger);
});

function node(): Ledger {
  const store = new MemoryStore(tables);
  const folds: Readonly<Record<string, Fold<unknown>>> = { authenticator: foldPasskeys as Fold<unknown>, session: () => true };
  return new Ledger('default', store, new Projections(store, folds), clock);
}

const keysOf = (at: Ledger, party = { origin, id: relyingParty }) => new Passkeys({ append: (draft) => at.append(draft), read: (stream) => at.readNow<PasskeysState>(stream), refOf }, party, clock);

async function withKey(person: string, algorithm: 'ES256' | 'EdDSA' | 'RS256' = 'ES256'): Promise<SoftAuthenticator> {
  const authenticator = new SoftAuthenticator(origin, relyingParty, algorithm);
  const { challenge } = await passkeys.beginAdding(person);
  await passkeys.add(person, 'key', authenticator.register(challenge));
  return authenticator;
}

async function signed(authenticator: SoftAuthenticator, asked: Statement = statement, terms: SigningTerms = {}, person = 'ann') {
  const { nonce, options } = await passkeys.ask(person, asked);
  return { nonce, response: authenticator.assert(options.challenge, terms) };
}

/** Records an answer as the room of approval does. */
async function answered(evidence: Awaited<ReturnType<Passkeys['verify']>>, { agrees, narrow }: Statement = statement) {
  const common = { session: 'a', digest, seen, person: await refOf('ann'), signature: evidence.body };
  const places = [{ stream: 'session:a' }, evidence.place];
  const payload = { salt: 'salt', content: JSON.stringify({ reason: '', signature: evidence.payload }) };
  if (agrees) return ledger.append({ kind: 'approval', streams: places, body: { ...common, hold, ...(narrow && { narrow }) }, payload });
  return ledger.append({ kind: 'hold.settled', streams: places, settles: hold, body: { ...common, status: 'refused' }, payload });
}

const refused = expect.objectContaining({ code: 'approval_refused' }) as Error;
const textOf = (id: string): RecordedText => {
  const record = tables.entries.get(id);
  return { leaf: record?.text ?? '', salt: record?.payload?.salt ?? '', content: record?.payload?.content ?? '' };
};

describe('a person\'s own keys', () => {
  test('law: keys are a fold of the record, the same on every node, and a removed one is gone', async () => {
    await withKey('ann');
    await withKey('ann');
    const [first] = await passkeys.list('ann');
    await passkeys.remove('ann', first?.id ?? '');
    expect(await keysOf(node()).list('ann')).toEqual(await passkeys.list('ann'));
    expect(await passkeys.list('ann')).toHaveLength(1);
    expect(await passkeys.list('ben')).toEqual([]);
  });

  test('law: what leads to the device or the person is not in the log for ever', async () => {
    const { id } = await withKey('ann');
    const texts = [...tables.entries.values()].map(({ text }) => text).join('\n');
    expect(texts).not.toContain(id.toString('base64url'));
    expect(texts).not.toContain('public_key');
    expect(texts).not.toContain('ann');
  });

  test.each<[string, SigningTerms]>([
    ['another page', { origin: 'https://evil.example' }],
    ['another site\'s key', { relyingParty: 'evil.example' }],
    ['nobody proved to be there', { userVerified: false }],
    ['an assertion in place of a registration', { type: 'webauthn.get' }],
  ])('attack: no key is added: %s', async (_name, terms) => {
    const { challenge } = await passkeys.beginAdding('ann');
    await expect(passkeys.add('ann', 'key', new SoftAuthenticator(origin, relyingParty).register(challenge, terms))).rejects.toThrow(refused);
    expect(await passkeys.list('ann')).toEqual([]);
  });

  test('attack: a challenge adds one key, of the person that it was given to, for five minutes', async () => {
    const authenticator = new SoftAuthenticator(origin, relyingParty);
    const { challenge } = await passkeys.beginAdding('ann');
    await expect(passkeys.add('ben', 'key', authenticator.register(challenge))).rejects.toThrow(refused);
    await passkeys.add('ann', 'key', authenticator.register(challenge));
    await expect(passkeys.add('ann', 'key', new SoftAuthenticator(origin, relyingParty).register(challenge))).rejects.toThrow(refused);
    const late = await passkeys.beginAdding('ann');
    clock.ms += 5 * 60_000;
    await expect(passkeys.add('ann', 'key', new SoftAuthenticator(origin, relyingParty).register(late.challenge))).rejects.toThrow(refused);
    const unasked = Buffer.from('019a0000-0000-7000-8000-000000000009').toString('base64url');
    await expect(passkeys.add('ann', 'key', new SoftAuthenticator(origin, relyingParty).register(unasked))).rejects.toThrow(refused);
  });

  test('attack: nobody removes another person\'s key', async () => {
    await withKey('ann');
    const [key] = await passkeys.list('ann');
    await expect(passkeys.remove('ben', key?.id ?? '')).rejects.toThrow('no such passkey of yours');
  });
});

describe('a signed answer', () => {
  test.each(['ES256', 'EdDSA', 'RS256'] as const)('law: the record alone proves what was agreed to, to a stranger: %s', async (algorithm) => {
    const authenticator = await withKey('ann', algorithm);
    const narrow = { caps: { amount: 50 } };
    const asked = { ...statement, narrow };
    const evidence = await passkeys.verify({ person: 'ann', ...asked }, await signed(authenticator, asked));
    const entry = await answered(evidence, asked);
    expect(verifyAnswer(textOf(entry?.id ?? ''), textOf(evidence.body.authenticator))).toEqual({ holds: true, answer: { hold, digest, seen, agrees: true, person: await refOf('ann') } });
  });

  test('law: a refusal can be signed too, and proves a refusal', async () => {
    const authenticator = await withKey('ann');
    const no = { ...statement, agrees: false };
    const evidence = await passkeys.verify({ person: 'ann', ...no }, await signed(authenticator, no));
    const entry = await answered(evidence, no);
    expect(verifyAnswer(textOf(entry?.id ?? ''), textOf(evidence.body.authenticator))).toMatchObject({ holds: true, answer: { agrees: false } });
  });

  test.each<[string, Partial<Statement>]>([
    ['another hold', { hold: '019a0000-0000-7000-8000-000000000002' }],
    ['another digest', { digest: `sha256:${'00'.repeat(32)}` }],
    ['another text than was seen', { seen: `sha256:${'00'.repeat(32)}` }],
    ['a refusal', { agrees: false }],
    ['an answer with caps', { narrow: { caps: { amount: 5 } } }],
  ])('attack: a signature for %s is no approval of this', async (_name, other) => {
    const authenticator = await withKey('ann');
    const elsewhere = await signed(authenticator, { ...statement, ...other });
    await expect(passkeys.verify({ person: 'ann', ...statement }, elsewhere)).rejects.toThrow(refused);
    // Neither with a nonce that was given out for this one.
    const { nonce } = await passkeys.ask('ann', statement);
    const made = authenticator.assert(challengeOf({ ...statement, ...other }, nonce));
    await expect(passkeys.verify({ person: 'ann', ...statement }, { nonce, response: made })).rejects.toThrow(refused);
    // And a nonce that was given out for the other one makes no signature for this.
    const given = await passkeys.ask('ann', { ...statement, ...other });
    await expect(passkeys.verify({ person: 'ann', ...statement }, { nonce: given.nonce, response: authenticator.assert(challengeOf(statement, given.nonce)) })).rejects.toThrow(refused);
  });

  test.each<[string, SigningTerms]>([
    ['another page asked for it', { origin: 'https://evil.example' }],
    ['a page inside of another asked for it', { crossOrigin: true }],
    ['the key is another site\'s', { relyingParty: 'evil.example' }],
    ['nobody proved to be there', { userVerified: false }],
    ['it is a registration', { type: 'webauthn.create' }],
    ['the counter went back', { counter: 0 }],
    ['the counter stood still', { counter: 1 }],
  ])('attack: an approval is not signed when %s', async (_name, terms) => {
    const authenticator = await withKey('ann');
    await expect(passkeys.verify({ person: 'ann', ...statement }, await signed(authenticator, statement, terms))).rejects.toThrow(refused);
  });

  test('attack: a signature is good once, for five minutes', async () => {
    const authenticator = await withKey('ann');
    const once = await signed(authenticator);
    await passkeys.verify({ person: 'ann', ...statement }, once);
    await expect(passkeys.verify({ person: 'ann', ...statement }, once)).rejects.toThrow(refused);
    const late = await signed(authenticator);
    clock.ms += 5 * 60_000;
    await expect(passkeys.verify({ person: 'ann', ...statement }, late)).rejects.toThrow(refused);
  });

  test('attack: a clone of a key is noticed on every node: what was counted is in the record', async () => {
    const authenticator = await withKey('ann');
    const evidence = await passkeys.verify({ person: 'ann', ...statement }, await signed(authenticator));
    await answered(evidence);
    const elsewhere = keysOf(node());
    const { nonce, options } = await elsewhere.ask('ann', statement);
    const cloned = { nonce, response: authenticator.assert(options.challenge, { counter: evidence.body.counter }) };
    await expect(elsewhere.verify({ person: 'ann', ...statement }, cloned)).rejects.toThrow(refused);
  });

  test('attack: another person\'s key, nonce or name signs nothing for ann', async () => {
    const anns = await withKey('ann');
    const bens = await withKey('ben');
    const { nonce, options } = await passkeys.ask('ann', statement);
    await expect(passkeys.verify({ person: 'ben', ...statement }, { nonce, response: bens.assert(options.challenge) })).rejects.toThrow(refused);
    await expect(passkeys.verify({ person: 'ann', ...statement }, { nonce, response: bens.assert(options.challenge) })).rejects.toThrow(refused);
    const again = await passkeys.ask('ann', statement);
    await expect(passkeys.verify({ person: 'ann', ...statement }, { nonce: again.nonce, response: bens.assert(again.options.challenge, { credential: anns.id.toString('base64url') }) })).rejects.toThrow(refused);
  });

  test('attack: a key that was removed signs nothing', async () => {
    const authenticator = await withKey('ann');
    const made = await signed(authenticator);
    const [key] = await passkeys.list('ann');
    await passkeys.remove('ann', key?.id ?? '');
    await expect(passkeys.verify({ person: 'ann', ...statement }, made)).rejects.toThrow(refused);
  });

  test.each([undefined, null, 'x', {}, { nonce: 1 }, { nonce: 'x', response: {} }, { nonce: 'x', response: { id: 'x', rawId: 'x', type: 'public-key', response: { clientDataJSON: '*', authenticatorData: '', signature: '' } } }])('attack: what is no signature is none: %j', async (value) => {
    await expect(passkeys.verify({ person: 'ann', ...statement }, value)).rejects.toThrow(expect.objectContaining({ code: 'request_malformed' }) as Error);
  });

  test('law: to a stranger nothing holds that was changed in the record afterwards', async () => {
    const authenticator = await withKey('ann');
    const evidence = await passkeys.verify({ person: 'ann', ...statement }, await signed(authenticator));
    const entry = await answered(evidence);
    const [answer, key] = [textOf(entry?.id ?? ''), textOf(evidence.body.authenticator)];
    const other = await withKey('ann').then(() => passkeys.list('ann'));
    const changed: readonly (readonly [RecordedText, RecordedText])[] = [
      [{ ...answer, leaf: answer.leaf.replace(digest, `sha256:${'00'.repeat(32)}`) }, key],
      [{ ...answer, leaf: answer.leaf.replace(seen, `sha256:${'00'.repeat(32)}`) }, key],
      [{ ...answer, leaf: answer.leaf.replace(`"hold":"${hold}"`, `"hold":"${hold.slice(0, -1)}2"`) }, key],
      [{ ...answer, leaf: answer.leaf.replace('"counter":2', '"counter":3') }, key],
      [{ ...answer, content: answer.content.replace('"reason":""', '"reason":"x"') }, key],
      [answer, textOf(other.at(-1)?.id ?? '')],
      [key, key],
      [answer, answer],
    ];
    for (const [left, right] of changed) expect(verifyAnswer(left, right).holds).toBe(false);
    expect(verifyAnswer(answer, key).holds).toBe(true);
  });
});
