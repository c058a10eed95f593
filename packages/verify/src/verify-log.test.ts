import { expect, test } from 'vitest';
import { given, codesOf, judge, holds } from '../test-kit/judge.js';
import { promiseOf, publish, receiptOf, checkpointOf } from '../test-kit/log-files.js';
import { story } from '../test-kit/story.js';

test.each([1, 26, 60])('a log of %i sessions that is as it was written holds, with everything that was given for it', async (sessions) => {
  const { writer } = story(sessions);
  const { entries, bodies } = writer;
  const files = publish(entries);
  const earlier = [1, 5, 12, 200, 256, 257, 512].filter((size) => size <= entries.length).map((size) => given(`${size}`, checkpointOf(publish(entries.slice(0, size)))));
  const receipts = [given('r', await receiptOf(files, entries, 3, bodies.find(({ entry }) => entry === entries[3]?.id)))];
  const promises = entries.map((entry) => given(entry.id, promiseOf(entry)));
  const verdict = await judge(files, { earlier, receipts, promises, bodies });
  expect([verdict.integrity.findings, verdict.completeness.findings, codesOf(verdict)]).toEqual([[], [], []]);
  expect(holds(verdict)).toBe(true);
  expect(verdict.counts).toMatchObject({ entries: entries.length, kept: entries.length + 1, pending: 0, bodies: { matched: bodies.length, erased: 0 }, underWay: { intents: 0, holds: 0, sessions: 0 } });
});
