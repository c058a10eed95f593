import type { Decision, Outcome } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { type Attempt, bundleFiles, compile, decided, policyOf, situated } from '../../../../../test/support/policy-kit.js';
import { ruling } from '../../../../../test/support/rego-kit.js';
import { compileBundle } from '../load-bundle.js';
import { evaluate } from '../evaluate.js';
import type { RunningRego } from './decide-by-rego.js';

const permit = '@id("all") permit (principal, action, resource);';
const forbid = '@id("no") forbid (principal, action, resource);';
const ask = '@id("ask") @outcome("step_up") @approvers("finance") forbid (principal, action, resource);';
const wait = '@id("wait") @outcome("defer") @needs("vendor") forbid (principal, action, resource);';
const change = '@id("few") @modify("count=10") permit (principal, action, resource);';
const policies = [{ id: 'rule', reason: 'so it is' }];
const says = {
  allow: { outcome: 'allow', policies },
  modify: { outcome: 'modify', policies, modify: { caps: { count: 5 } } },
  step_up: { outcome: 'step_up', policies, approvals: [{ approvers: 'security' }] },
  defer: { outcome: 'defer', policies, facts: [{ needs: ['change_window'] }] },
  deny: { outcome: 'deny', policies },
  nothing: undefined,
  nonsense: { outcome: 'allow' },
} as const;
type Said = keyof typeof says;

const running = (said: unknown): RunningRego => ({ answers: (inputs) => Promise.resolve(inputs.map(() => said)) });
const askedWith = (opa: RunningRego, bundle: ReturnType<typeof compile>) => policyOf(bundle, undefined, opa);
const byBundle = async (cedar: string, said: unknown, attempt: Attempt = {}): Promise<Decision> => (await decided(compile(cedar, ruling(said)), attempt)).decision;
const byServer = async (cedar: string, said: unknown, attempt: Attempt = {}): Promise<Decision> => (await askedWith(running(said), compile(cedar)).decide(situated(attempt))).decision;

describe.each([
  ['in the bundle', byBundle],
  ['of a running OPA', byServer],
] as const)('Cedar and Rego %s', (_name, decide) => {
  test.each<[string, string, Said, Outcome]>([
    ['both allow', permit, 'allow', 'allow'],
    ['Cedar denies', `${permit}${forbid}`, 'allow', 'deny'],
    ['Cedar permits nothing', '@id("p") permit (principal, action == Action::"shell.run", resource);', 'allow', 'deny'],
    ['Rego denies', permit, 'deny', 'deny'],
    ['Rego says nothing', permit, 'nothing', 'deny'],
    ['Rego says nonsense', permit, 'nonsense', 'deny'],
    ['Rego asks people', permit, 'step_up', 'step_up'],
    ['Rego waits for facts', permit, 'defer', 'defer'],
    ['Rego changes', permit, 'modify', 'modify'],
    ['Cedar asks people, Rego allows', `${permit}${ask}`, 'allow', 'step_up'],
    ['Cedar asks people, Rego denies', `${permit}${ask}`, 'deny', 'deny'],
    ['Cedar asks people, Rego waits', `${permit}${ask}`, 'defer', 'defer'],
    ['Cedar waits, Rego asks people', `${permit}${wait}`, 'step_up', 'defer'],
    ['Cedar denies, Rego asks people', `${permit}${forbid}`, 'step_up', 'deny'],
    ['Cedar would deny in shadow, Rego allows', `${permit}@id("s") @mode("shadow") forbid (principal, action, resource);`, 'allow', 'allow'],
    ['Cedar has a shadow only, Rego allows', '@id("s") @mode("shadow") permit (principal, action, resource);', 'allow', 'deny'],
    ['no Cedar, Rego allows', '', 'allow', 'allow'],
    ['no Cedar, Rego denies', '', 'deny', 'deny'],
    ['no Cedar, Rego asks people', '', 'step_up', 'step_up'],
    ['no Cedar, Rego says nothing', '', 'nothing', 'deny'],
  ])('story: %s', async (_what, cedar, said, outcome) => {
    expect((await decide(cedar, says[said])).outcome).toBe(outcome);
  });

  test('story: whatever one of them asks for or changes, both together do', async () => {
    expect(await decide(`${change}${ask}`, says.step_up)).toMatchObject({ outcome: 'step_up', modification: { caps: { count: 10 } }, approvals: [{ policy: 'ask', approvers: 'finance' }, { policy: expect.stringMatching(/^(rego|opa)\/rule$/) as string, approvers: 'security', reason: 'so it is' }] });
    expect(await decide(change, says.modify)).toMatchObject({ outcome: 'modify', modification: { caps: { count: 5 } } });
    expect(await decide('@id("p") @modify("mode=a") permit (principal, action, resource);', { outcome: 'modify', policies, modify: { sets: { mode: 'b' } } })).toMatchObject({ outcome: 'deny', kind: 'forbidden' });
  });

  test('law: what Rego may not speak of, it is not asked about', async () => {
    expect(await decide(permit, says.allow, { session: { capabilities: [] } })).toMatchObject({ outcome: 'deny', kind: 'capability', verdicts: [] });
  });

  test('story: every resource of an attempt is asked about; one without an answer denies all', async () => {
    const copy = { tool: 'copy', args: { source: 'a', destination: 'b' } };
    expect(await decide(permit, says.allow, copy)).toMatchObject({ outcome: 'allow' });
    expect(await decide(permit, says.nothing, copy)).toMatchObject({ outcome: 'deny', kind: 'guard_broken' });
  });
});

describe('a bundle and a running OPA at once', () => {
  test.each<[Said, Said, Outcome]>([['allow', 'allow', 'allow'], ['allow', 'deny', 'deny'], ['deny', 'allow', 'deny'], ['step_up', 'modify', 'step_up'], ['nothing', 'allow', 'deny'], ['allow', 'nothing', 'deny']])('story: %s and %s is %s', async (bundled, served, outcome) => {
    for (const cedar of [permit, '']) expect((await askedWith(running(says[served]), compile(cedar, ruling(says[bundled]))).decide(situated())).decision.outcome).toBe(outcome);
  });

  test('attack: an engine that throws, gives too few answers or never says why allows nothing', async () => {
    const odd: RunningRego[] = [{ answers: () => Promise.reject(new Error('down')) }, { answers: () => Promise.resolve([]) }, { answers: () => { throw new Error('down'); } }, { answers: () => Promise.reject('text') }, { answers: () => Promise.reject(undefined) }];
    for (const opa of odd) expect((await askedWith(opa, compile(permit)).decide(situated())).decision).toMatchObject({ outcome: 'deny', kind: 'guard_broken' });
  });

  test('attack: an engine that answers for fewer resources than it was asked about allows nothing', async () => {
    const opa: RunningRego = { answers: () => Promise.resolve([says.allow]) };
    expect((await askedWith(opa, compile(permit)).decide(situated({ tool: 'copy', args: { source: 'a', destination: 'b' } }))).decision).toMatchObject({ outcome: 'deny', kind: 'guard_broken' });
  });
});

describe('arguments that Cedar cannot carry', () => {
  const seen: unknown[] = [];
  const watching: RunningRego = { answers: (inputs) => Promise.resolve(inputs.map(({ context }) => (seen.push((context as { args: unknown }).args), says.allow))) };

  test('story: Rego is shown them as they were sent, and they are recorded for it', async () => {
    const args = { amount: 0.000_01, choice: ['x', null], other: { __extn: { fn: 'decimal', arg: '1.0' } } };
    const { inputs } = await askedWith(watching, compile(permit)).decide(situated({ tool: 'refund', args, call: { tool: undefined as never } }));
    expect(seen.at(-1)).toEqual(args);
    expect(inputs.args).toEqual(args);
    expect((await decided(compile(permit), { tool: 'refund', args, call: { tool: undefined as never } })).inputs.args).toBeUndefined();
  });

  test('attack: inputs that were recorded without them are not evaluated as if they had not been given', async () => {
    const { inputs } = await decided(compile(permit), { tool: 'refund', args: { amount: 0.000_01 } });
    expect(evaluate(inputs, compile(permit, ruling(says.allow)))).toMatchObject({ outcome: 'deny', kind: 'guard_broken' });
  });
});

describe('the same again', () => {
  test('law: recorded inputs, read back, give the same decision with compiled Rego, in a bundle read back from the record', async () => {
    for (const said of Object.values(says)) {
      const bundle = compile(permit, ruling(said));
      const { inputs, decision } = await decided(bundle, { args: { amount: 0.5, count: 3 } });
      const kept = compileBundle(JSON.parse(JSON.stringify(bundle.files)) as Record<string, string>);
      expect(kept.digest).toBe(bundle.digest);
      expect(evaluate(JSON.parse(JSON.stringify(inputs)) as typeof inputs, kept)).toEqual(decision);
    }
  });

  test('story: what a running OPA said is taken from the record, and OPA is not asked again', async () => {
    let asked = 0;
    const opa: RunningRego = { answers: (inputs) => ((asked += inputs.length), Promise.resolve(inputs.map(() => says.deny))) };
    const bundle = compile(permit);
    const { inputs, decision } = await askedWith(opa, bundle).decide(situated());
    const live = { ...decision, verdicts: decision.verdicts.filter(({ policy }) => policy.startsWith('opa/')) };
    expect(evaluate(inputs, bundle, live)).toEqual(decision);
    expect(evaluate(inputs, bundle)).toMatchObject({ outcome: 'allow' });
    expect(asked).toBe(1);
  });
});

test('story: a list shows what Cedar could allow, and all of the task where Rego decides alone', () => {
  const could = (cedar: string, attempt: Attempt = {}) => policyOf(compile(cedar, ruling(says.deny))).couldAllow(situated(attempt));
  expect(could('')).toBe(true);
  expect(could('', { session: { capabilities: [] } })).toBe(false);
  expect(could(permit)).toBe(true);
  expect(could(`${permit}${forbid}`)).toBe(false);
  expect(askedWith(running(says.deny), compileBundle(bundleFiles(''))).couldAllow(situated())).toBe(true);
  expect(policyOf(compile('')).couldAllow(situated())).toBe(false);
});
