import { describe, expect, test } from 'vitest';
import { onStepUp, readAskedOfPeople } from './approval-annotations.js';

const read = (given: Readonly<Record<string, string>>, outcome = 'step_up') => {
  const faults: string[] = [];
  return { asked: readAskedOfPeople({ approvers: 'finance', ...given }, outcome, faults), faults };
};

test('story: everything that a step-up can say', () => {
  const { asked, faults } = read({ approvers: 'finance:2, security', quorum: '3', evidence: 'ticket, rollback', apart: 'owner, team, group:auditors', escalate: '30m:managers, 2h:directors', signature: 'webauthn', batch: 'no', standing: 'count=10, within=7d, sum=amount:1000.5, free=note|memo' });
  expect(faults).toEqual([]);
  expect(asked).toEqual({
    approvers: [{ group: 'finance', quorum: 2 }, { group: 'security', quorum: 3 }],
    evidence: ['ticket', 'rollback'],
    apart: ['owner', 'team', 'group:auditors'],
    escalation: [{ afterMs: 1_800_000, group: 'managers' }, { afterMs: 7_200_000, group: 'directors' }],
    signed: true,
    batch: false,
    standing: { count: 10, withinMs: 7 * 86_400_000, free: ['note', 'memo'], sum: { argument: 'amount', most: 1000.5 } },
  });
});

test('story: what is left out is the least that is asked', () => {
  expect(read({})).toEqual({ asked: { approvers: [{ group: 'finance', quorum: 1 }], evidence: [], apart: [], escalation: [], signed: false, batch: true }, faults: [] });
});

describe('each wrong form is refused', () => {
  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['a quorum of none in a group', { approvers: 'finance:0' }, 'got `finance:0`'],
    ['a quorum above the most', { approvers: 'finance:21' }, 'got `finance:21`'],
    ['a quorum in words', { approvers: 'finance:two' }, 'expected `@approvers` as groups'],
    ['two numbers', { approvers: 'finance:1:2' }, 'got `finance:1:2`'],
    ['a number without a group', { approvers: ':2' }, 'got `:2`'],
    ['a group twice', { approvers: 'finance:1, finance:2' }, 'each group of `@approvers` once'],
    ['too many groups', { approvers: Array.from({ length: 11 }, (_, n) => `g${n}`).join(',') }, 'at most 10 groups'],
    ['a common quorum of half', { quorum: '1.5' }, 'expected `@quorum` from 1 to 20'],
    ['kept apart from an unknown word', { apart: 'owners' }, 'got `owners`'],
    ['kept apart from a group without a name', { apart: 'group:' }, 'got `group:`'],
    ['an escalation without a time', { escalate: 'managers' }, 'expected `@escalate` as times and groups'],
    ['an escalation without a unit', { escalate: '30:managers' }, 'got `30:managers`'],
    ['an escalation to nobody', { escalate: '30m:' }, 'got `30m:`'],
    ['an escalation that goes back', { escalate: '2h:a, 30m:b' }, 'later than the one before'],
    ['two steps at once', { escalate: '30m:a, 30m:b' }, 'later than the one before'],
    ['too many steps', { escalate: [1, 2, 3, 4, 5, 6].map((n) => `${n}h:a`).join(',') }, 'at most 5 steps'],
    ['another signature', { signature: 'pgp' }, 'expected `@signature` to be "webauthn"'],
    ['batches in other words', { batch: 'never' }, 'expected `@batch` to be "no"'],
    ['a standing approval without a count', { standing: 'within=7d' }, 'expected `@standing` as'],
    ['a standing approval without a time', { standing: 'count=10' }, 'expected `@standing` as'],
    ['a standing approval for ever', { standing: 'count=10, within=91d' }, 'expected `@standing` as'],
    ['a standing approval for nothing', { standing: 'count=0, within=7d' }, 'expected `@standing` as'],
    ['a standing approval for too much', { standing: 'count=100001, within=7d' }, 'expected `@standing` as'],
    ['an unknown bound', { standing: 'count=1, within=7d, most=5' }, 'expected `@standing` as'],
    ['a bound twice', { standing: 'count=1, count=1000, within=7d' }, 'expected `@standing` as'],
    ['a sum of nothing', { standing: 'count=1, within=7d, sum=amount' }, 'expected `@standing` as'],
    ['a negative sum', { standing: 'count=1, within=7d, sum=amount:-5' }, 'expected `@standing` as'],
    ['a sum of `__proto__`', { standing: 'count=1, within=7d, sum=__proto__:5' }, 'expected `@standing` as'],
  ])('attack: %s', (_name, given, expected) => {
    expect(read(given).faults.join('; ')).toContain(expected);
  });

  test.each(onStepUp.filter((key) => key !== 'approvers'))('attack: `@%s` where nobody is asked', (key) => {
    expect(read({ [key]: '1' }, 'deny').faults.join('; ')).toContain(`expected \`@${key}\` with \`@outcome("step_up")\``);
  });

  test('attack: a text of any length is quoted in part only', () => {
    expect(read({ apart: 'x'.repeat(10_000) }).faults.join().length).toBeLessThan(300);
  });
});
