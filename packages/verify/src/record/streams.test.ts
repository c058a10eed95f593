import { expect, test } from 'vitest';
import { Findings } from '../finding.js';
import { disorderMax, Streams } from './streams.js';
import type { Recorded } from './recorded.js';

const recorded = (index: number, stream: string, version: number, more: readonly { stream: string; version: number; prev?: string }[] = []): Recorded => ({
  index,
  hash: `${stream}${version}`,
  isAltered: false,
  entry: { tenant: 't', id: `${index}`, kind: 'refusal', at: 1_000 + version, streams: [{ stream, version, ...(version > 1 && { prev: `${stream}${version - 1}` }) }, ...more], body: {} },
});

function taken(all: readonly Recorded[]) {
  const findings = new Findings();
  const order: string[] = [];
  const streams = new Streams(findings, ({ entry }) => void order.push(entry.id));
  for (const one of all) streams.add(one);
  const early = order.length;
  streams.finish();
  return { order, early, codes: findings.judge('completeness').counts };
}

test('entries that the log has in another order than their stream are taken in the order of the stream', () => {
  expect(taken([recorded(0, 'a', 2), recorded(1, 'b', 1), recorded(2, 'a', 3), recorded(3, 'a', 1)])).toEqual({ order: ['1', '3', '0', '2'], early: 4, codes: {} });
});

test('an entry of two streams waits for both', () => {
  const both = recorded(0, 'a', 2, [{ stream: 'b', version: 2, prev: 'b1' }]);
  expect(taken([both, recorded(1, 'a', 1), recorded(2, 'a', 3), recorded(3, 'b', 1)]).order).toEqual(['1', '3', '0', '2']);
  expect(taken([both, recorded(3, 'b', 1), recorded(1, 'a', 1)]).codes).toEqual({});
});

test('what never comes is a gap, and what is behind it is still looked at', () => {
  expect(taken([recorded(0, 'a', 1), recorded(1, 'a', 3), recorded(2, 'a', 4)])).toEqual({ order: ['0', '1', '2'], early: 1, codes: { stream_gap: 1 } });
});

test('attack: a gap does not make the verifier keep everything behind it', () => {
  const all = [recorded(0, 'a', 2), ...Array.from({ length: disorderMax + 10 }, (_, at) => recorded(at + 1, 'a', at + 3))];
  const { early, codes, order } = taken(all);
  expect([early > disorderMax, codes, order.length]).toEqual([true, { stream_gap: 1 }, all.length]);
});

test('attack: one place twice, also while it has to wait', () => {
  expect(taken([recorded(0, 'a', 1), recorded(1, 'a', 1)]).codes).toEqual({ stream_duplicate: 1 });
  const { codes, order } = taken([recorded(0, 'a', 2), recorded(1, 'a', 2), recorded(2, 'a', 1)]);
  expect([codes, order.length]).toEqual([{ stream_duplicate: 1 }, 3]);
});
