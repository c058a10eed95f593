import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { SoftAuthenticator } from '../../../test/support/authenticator.js';
import { judge } from '../test-kit/judge.js';
import { publish } from '../test-kit/log-files.js';
import { begin, bundle, digestOf, person } from '../test-kit/story.js';
import { canonical, chained, type TestBody, type TestEntry, TestWriter } from '../test-kit/writer.js';
import type { FindingCode } from './index.js';

// Every log here is signed with the right key: only the person's own key can give it away.
const minute = 60_000;
const [origin, party] = ['https://flyball.example', 'flyball.example'];
const rule = { policy: 'money', approvers: 'finance', quorum: 1, evidence: [], withinMs: 4 * minute, reason: 'large', signature: 'webauthn' };
const decided = { session: 's', identity: 'agent', on_behalf_of: person('ann'), chain: [], method: 'oidc', action: 'money.move', tier: 'act', upstream: 'bank', name: 'transfer', digest: digestOf('pay'), decision: { outcome: 'step_up', kind: 'needs_approval', policies: [], approvals: [rule], facts: [], bundle }, gateway: 'mcp' };
const seen = digestOf('what was shown');
const b64 = (text: string): string => Buffer.from(text).toString('base64url');

interface Story {
  readonly entries: readonly TestEntry[];
  readonly bodies: readonly TestBody[];
  readonly added: TestEntry;
  readonly other: TestEntry;
  readonly approval: TestEntry;
  readonly intent: TestEntry;
}

/** A payment to which bob agreed with his own key, and who has another one as eve does. */
function story(signedAs: { readonly agrees?: boolean; readonly seen?: string; readonly hold?: string } = {}): Story {
  const writer = new TestWriter();
  begin(writer);
  const withKey = (who: string) => {
    const authenticator = new SoftAuthenticator(origin, party);
    return { authenticator, added: writer.add({ kind: 'authenticator.added', streams: [`authenticator:${person(who)}`], body: { person: person(who) }, content: keyOf(authenticator) }) };
  };
  const bob = withKey('bob');
  const other = withKey('eve').added;
  const opened = writer.add({ kind: 'session.opened', streams: ['session:s'], deadlineMs: 60 * minute, body: { session: 's', identity: 'agent', on_behalf_of: person('ann'), capabilities: [], implicit: false, inherited: [] }, content: '{}' });
  const hold = writer.add({ kind: 'hold', streams: ['session:s'], deadlineMs: 4 * minute, body: decided, content: '{}' });
  const challenge = createHash('sha256').update(canonical({ context: 'flyball answer v1', hold: hold.id, digest: digestOf('pay'), seen, agrees: true, nonce: 'n', ...signedAs })).digest('base64url');
  const { id, response } = bob.authenticator.assert(challenge);
  const proof = { nonce: 'n', credential: id, client_data: response.clientDataJSON, authenticator_data: response.authenticatorData, signature: response.signature };
  const approval = writer.add({ kind: 'approval', streams: ['session:s', `authenticator:${person('bob')}`], body: { session: 's', digest: digestOf('pay'), hold: hold.id, person: person('bob'), seen, signed: true, signature: { method: 'webauthn', authenticator: bob.added.id, counter: bob.authenticator.counter } }, content: JSON.stringify({ reason: 'yes', signature: proof }) });
  const intent = writer.add({ kind: 'intent', streams: ['session:s'], settles: hold.id, deadlineMs: minute, body: { ...decided, labels: [], spends: {}, approvals: [approval.id] }, content: '{}' });
  writer.add({ kind: 'outcome', streams: ['session:s'], settles: intent.id, body: { session: 's', action: 'money.move', effect: 'succeeded', findings: [] } });
  writer.add({ kind: 'session.ended', streams: ['session:s'], settles: opened.id, body: { session: 's', reason: 'ended' } });
  return { entries: writer.entries, bodies: writer.bodies, added: bob.added, other, approval, intent };
}

/** What the record keeps of a key, as its owner's browser made it. */
function keyOf(authenticator: SoftAuthenticator): string {
  const { attestationObject } = authenticator.register('x').response;
  const attested = Buffer.from(attestationObject, 'base64url');
  // The key is the last of what an attestation of the kind `none` has (Web Authentication, section 6.5.1).
  const key = attested.subarray(attested.indexOf(authenticator.id) + authenticator.id.length);
  return JSON.stringify({ credential: authenticator.id.toString('base64url'), public_key: key.toString('base64url'), counter: 0, name: 'key', transports: [], relying_party: party, origin });
}

/** An entry's body written anew, with the digest that the entry commits to. */
function rewritten({ bodies }: Story, entry: TestEntry, change: (content: string) => string): readonly TestBody[] {
  return bodies.map((body) => {
    if (body.entry !== entry.id) return body;
    const content = change(body.content);
    entry.payload = `sha256:${createHash('sha256').update(body.salt).update(content).digest('hex')}`;
    return { ...body, content };
  });
}

async function judged(told: Story, { entries = told.entries, bodies = told.bodies }: { readonly entries?: readonly TestEntry[]; readonly bodies?: readonly TestBody[] | 'none' } = {}) {
  const { integrity, completeness, counts } = await judge(publish(chained(entries)), bodies === 'none' ? {} : { bodies });
  return { found: [...integrity.findings, ...completeness.findings].map(({ code, place }) => [code, place.entry] as readonly [FindingCode, string | undefined]), answers: counts.answers };
}

test('story: a signed answer is verified with its key, from the log and its bodies alone', async () => {
  expect(await judged(story())).toEqual({ found: [], answers: { signed: 1, verified: 1 } });
});

test('story: where bodies were not given, or the key was erased with its person, what is left still holds and says that nothing was verified', async () => {
  const told = story();
  expect(await judged(told, { bodies: 'none' })).toEqual({ found: [], answers: { signed: 1, verified: 0 } });
  const writer = new TestWriter('default', 900);
  for (const entry of told.entries) writer.place(structuredClone(entry));
  const erased = { ...structuredClone(told.entries[0]), id: told.added.id.replace(/.$/, '9'), kind: 'erased', streams: [{ stream: 'erasures', version: 1 }], at: told.entries.at(-1)?.at ?? 0, body: { entries: [told.added.id] } } as unknown as TestEntry;
  writer.place(erased);
  expect(await judged(told, { entries: writer.entries, bodies: told.bodies.filter(({ entry }) => entry !== told.added.id) })).toEqual({ found: [], answers: { signed: 1, verified: 0 } });
});

test.each<[string, Parameters<typeof story>[0]]>([
  ['a refusal', { agrees: false }],
  ['what was not shown', { seen: digestOf('something else') }],
  ['another question', { hold: '01990000-0000-7000-8000-000000000042' }],
])('attack: a signature over %s is none over this answer', async (_name, signedAs) => {
  const told = story(signedAs);
  expect(await judged(told)).toEqual({ found: [['answer_forged', told.approval.id]], answers: { signed: 1, verified: 0 } });
});

test.each<[string, (told: Story) => readonly TestBody[]]>([
  ['another signature in its place', (told) => rewritten(told, told.approval, (content) => content.replace(/"signature":"[^"]+"/, `"signature":"${b64('forged')}"`))],
  ['no signature at all', (told) => rewritten(told, told.approval, () => '{"reason":"yes"}')],
  ['a signature that cannot be read', (told) => rewritten(told, told.approval, () => '{"client_data":')],
  ['a body that hides what it has', (told) => rewritten(told, told.approval, (content) => content.replace('client_data', 'client\\u005fdata'))],
  ['a key that is no key', (told) => rewritten(told, told.added, (content) => content.replace(/"public_key":"[^"]+"/, `"public_key":"${b64('key')}"`))],
  ['a key of another site', (told) => rewritten(told, told.added, (content) => content.replace('"flyball.example"', '"evil.example"'))],
])('attack: whoever has the log\'s key writes %s', async (_name, change) => {
  const told = story();
  expect(await judged(told, { bodies: change(told) })).toEqual({ found: [['answer_forged', told.approval.id]], answers: { signed: 1, verified: 0 } });
});

const signature = (authenticator: string) => ({ method: 'webauthn', authenticator, counter: 1 });

test.each<[string, (told: Story) => void]>([
  ['is of another person', ({ approval, other }) => void (approval.body['signature'] = signature(other.id))],
  ['is nobody\'s', ({ approval }) => void (approval.body['signature'] = signature(approval.id))],
  ['is not named', ({ approval }) => void (approval.body['signature'] = {})],
  ['is not counted', ({ approval }) => void approval.streams.pop()],
])('attack: also without bodies an answer is not signed whose key %s', async (_name, alter) => {
  const told = story();
  alter(told);
  expect((await judged(told, { bodies: 'none' })).found).toEqual([['answer_forged', told.approval.id]]);
});

test('attack: an answer that says it was signed, and not by what', async () => {
  const told = story();
  delete told.approval.body['signature'];
  expect((await judged(told, { bodies: 'none' })).found).toEqual([['answer_forged', told.approval.id], ['approval_mismatch', told.intent.id]]);
});

test('attack: an answer with a key that was taken back before it', async () => {
  const told = story();
  const at = told.entries.indexOf(told.approval);
  const removed = { ...structuredClone(told.approval), id: told.approval.id.replace(/.$/, '9'), kind: 'authenticator.removed', payload: undefined, streams: [{ stream: `authenticator:${person('bob')}`, version: 1 }], body: { person: person('bob'), authenticator: told.added.id } } as unknown as TestEntry;
  expect((await judged(told, { entries: told.entries.toSpliced(at, 0, removed) })).found).toEqual([['answer_forged', told.approval.id]]);
  expect((await judged(told, { entries: told.entries.toSpliced(at + 1, 0, removed) })).found).toEqual([]);
  const byAnother = { ...removed, body: { person: person('eve'), authenticator: told.added.id } };
  expect((await judged(told, { entries: told.entries.toSpliced(at, 0, byAnother) })).found).toEqual([]);
});

test('attack: an unsigned answer where the decision asks for a signed one', async () => {
  const told = story();
  const { signed: _, signature: __, ...body } = told.approval.body;
  told.approval.body = body;
  told.approval.streams.pop();
  expect(await judged(told)).toEqual({ found: [['approval_mismatch', told.intent.id]], answers: { signed: 0, verified: 0 } });
});
