import { expect, test } from 'vitest';
import { codesOf, firstTrust, given, holds, judge } from '../test-kit/judge.js';
import { publish, receiptOf } from '../test-kit/log-files.js';
import { person, story } from '../test-kit/story.js';
import { verifyReceipt } from './index.js';

const attack = (name: string, run: () => Promise<void>) => test(`attack: ${name}`, run);

attack('abuse 78: a body that was erased leaves all proofs as they were, and is reported as erased', async () => {
  const { writer, sessions } = story(1);
  const [one] = sessions;
  const id = one?.intent.id ?? '';
  const whole = writer.bodies.find(({ entry }) => entry === id);
  const before = writer.entries.indexOf(one?.intent ?? writer.add({ kind: 'erased', streams: ['erased'] }));
  const receipt = await receiptOf(publish(writer.entries), writer.entries, before, whole);
  writer.add({ kind: 'erased', streams: ['erased'], body: { entries: [id] } });
  const bodies = writer.bodies.filter(({ entry }) => entry !== id);
  const verdict = await judge(publish(writer.entries), { bodies, receipts: [given('r', receipt)] });
  expect([holds(verdict), verdict.counts.bodies]).toEqual([true, { matched: bodies.length, erased: 1 }]);
  expect(verifyReceipt(await receiptOf(publish(writer.entries), writer.entries, before), firstTrust)).toMatchObject({ holds: true, body: 'absent' });
});

attack('abuse 78: the bodies about a person that was erased are covered, and no others', async () => {
  const { writer } = story(1);
  writer.add({ kind: 'erased', streams: ['erased'], body: { person: person('bob') } });
  const approval = writer.entries.find(({ kind, body }) => kind === 'approval' && body['person'] === person('bob'));
  const other = writer.entries.find(({ kind, body }) => kind === 'approval' && body['person'] === person('carol'));
  const gone = (...ids: (string | undefined)[]) => writer.bodies.filter(({ entry }) => !ids.includes(entry));
  expect((await judge(publish(writer.entries), { bodies: gone(approval?.id) })).counts.bodies.erased).toBe(1);
  const { completeness } = await judge(publish(writer.entries), { bodies: gone(approval?.id, other?.id) });
  expect(completeness.findings).toMatchObject([{ code: 'body_missing', place: { entry: other?.id, index: writer.entries.findIndex((entry) => entry === other) } }]);
});

attack('abuse 78: a body that is gone without a word is missing, one that was altered is named', async () => {
  const { writer } = story(1);
  const [first, ...rest] = writer.bodies;
  expect((await judge(publish(writer.entries), { bodies: rest })).completeness.findings).toMatchObject([{ code: 'body_missing', place: { entry: first?.entry } }]);
  for (const change of [{ content: `${first?.content ?? ''} ` }, { salt: `${first?.salt ?? ''}x` }]) {
    const altered = [{ entry: first?.entry ?? '', salt: first?.salt ?? '', content: first?.content ?? '', ...change }, ...rest];
    expect((await judge(publish(writer.entries), { bodies: altered })).integrity.findings).toMatchObject([{ code: 'body_mismatch', place: { entry: first?.entry } }]);
  }
  const strange = [...writer.bodies, { entry: '01990000-0000-7000-8000-000000000001', salt: 's', content: 'c' }];
  expect(codesOf(await judge(publish(writer.entries), { bodies: strange }))).toEqual(['body_mismatch']);
  expect(codesOf(await judge(publish(writer.entries), { bodies: [...writer.bodies, ...rest] }))).toEqual([]);
  expect(codesOf(await judge(publish(writer.entries), { bodies: [{ entry: first?.entry ?? '', salt: '', content: '' }, ...writer.bodies] }))).toEqual(['body_mismatch']);
});

attack('abuse 78: a receipt whose body was altered says so, offline and against the log', async () => {
  const { writer } = story(1);
  const files = publish(writer.entries);
  const index = writer.entries.findIndex(({ payload }) => payload !== undefined);
  const receipt = await receiptOf(files, writer.entries, index, { salt: 's', content: 'other' });
  expect(verifyReceipt(receipt, firstTrust)).toMatchObject({ holds: false, body: 'differs', findings: [{ code: 'body_mismatch' }] });
  expect(codesOf(await judge(files, { receipts: [given('r', receipt)] }))).toEqual(['body_mismatch']);
  const none = writer.entries.findIndex(({ payload }) => payload === undefined);
  expect(verifyReceipt(await receiptOf(files, writer.entries, none, { salt: 's', content: 'c' }), firstTrust).holds).toBe(false);
});
