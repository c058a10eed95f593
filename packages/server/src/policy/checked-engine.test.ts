import { expect, test } from 'vitest';
import { CheckedEngine } from './checked-engine.js';
import type { EngineAnswer, EngineRequest, PolicyEngine } from './engine.js';

const request: EngineRequest = { principal: { type: 'Identity', id: 'a' }, action: { type: 'Action', id: 'b' }, resource: { type: 'Resource', id: 'c' }, context: {}, entities: [] };
const answer = (satisfied: readonly string[], broken: readonly string[] = []): EngineAnswer => ({ considered: new Set(['p', 'q']), satisfied: new Set(satisfied), broken: new Map(broken.map((id) => [id, { message: 'overflow' }])) });

function engine(given: EngineAnswer): PolicyEngine & { asked: number } {
  const made = { asked: 0, evaluate: () => (made.asked++, given), close: () => undefined };
  return made;
}

test.each<[string, EngineAnswer, EngineAnswer, readonly string[]]>([
  ['a policy that one alone holds satisfied', answer(['p']), answer(['p', 'q']), ['q']],
  ['a policy that one alone could not evaluate', answer(['p']), answer(['p'], ['q']), ['q']],
  ['a policy that is broken for one and satisfied for the other', answer(['p'], ['q']), answer(['q', 'p']), ['q']],
])('law: %s raises the alarm, and nothing is allowed', (_name, own, other, expected) => {
  const alarms: (readonly string[])[] = [];
  const checked = new CheckedEngine(engine(own), engine(other), { every: 1, alarm: (policies) => alarms.push(policies) });
  expect(() => checked.evaluate(request)).toThrow(expect.objectContaining({ code: 'internal' }) as Error);
  expect(alarms).toEqual([expected]);
});

test('law: of engines that agree one in so many decisions is asked twice', () => {
  const oracle = engine(answer(['p'], ['q']));
  const checked = new CheckedEngine(engine(answer(['p'], ['q'])), oracle, { every: 3, alarm: () => expect.unreachable() });
  for (let i = 0; i < 9; i++) expect([...checked.evaluate(request).satisfied]).toEqual(['p']);
  expect(oracle.asked).toBe(3);
});
