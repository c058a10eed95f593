import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, nowMs, situated } from '../../../../test/support/policy-kit.js';
import { FakeClock } from '../../../../test/support/identity-kit.js';
import type { DecisionInputs } from '../action/states.js';
import type { Bundle } from './bundle.js';
import { evaluate } from './evaluate.js';
import { explainFacts } from './explain-facts.js';
import type { FactAnswer, FactSource } from './fact-source.js';
import { Policy } from './policy.js';
import { regoInput } from './rego/rego-input.js';

const permit = '@id("all") permit (principal, action, resource);\n';
const from = { sources: [{ source: 'register', fetchedAtMs: nowMs }], goodUntilMs: nowMs + 60_000, freshForMs: 60_000, parameters: {} };
const missing: FactAnswer = { ...from, kind: 'missing', why: 'no answer' };
const known = (value: object): FactAnswer => ({ ...from, kind: 'known', value: value as never });

/** A source that says what it is told, and remembers what it was asked. */
function sourceOf(answers: Readonly<Record<string, FactAnswer>>): FactSource & { readonly asked: string[] } {
  const asked: string[] = [];
  const gather: FactSource['gather'] = (names) => Promise.resolve(new Map(names.flatMap((name) => (asked.push(name), answers[name] ? [[name, answers[name]] as const] : []))));
  return { names: new Set(Object.keys(answers)), gather, asked };
}

async function decided(policies: string, answers: Readonly<Record<string, FactAnswer>>, args: object = { amount: 5 }) {
  const facts = sourceOf(answers);
  const bundle = compile(permit + policies);
  const policy = new Policy(() => bundle, new FakeClock(), { audience: 'https://flyball.example/mcp', past: { ask: () => Promise.resolve({}) }, facts });
  const { decision, inputs } = await policy.decide(situated({ args: args as never }));
  return { decision, inputs, bundle, policy, facts, said: `${decision.outcome} (${decision.kind})${decision.facts.map(({ needs }) => ` for ${needs.join(', ')}`).join()}` };
}

const pay = 'forbid (principal, action == Action::"payment.release", resource)';
const blocked = `@id("blocked") ${pay} when { context.facts has vendor && !context.facts.vendor.checked };`;
const unchecked = `@id("unchecked") ${pay} unless { context.facts has vendor && context.facts.vendor.checked };`;
const large = `@id("large") ${pay} when { context.args.amount.greaterThan(decimal("100.0")) && context.facts has vendor && !context.facts.vendor.checked };`;
const window = `@id("window") @outcome("defer") @needs("change_window") ${pay} unless { context.facts has change_window && context.facts.change_window.open };`;
const people = `@id("people") @outcome("step_up") @approvers("finance") ${pay} when { context.facts has vendor && !context.facts.vendor.checked };`;
const allowing = '@id("allowing") permit (principal, action, resource) unless { context.facts has vendor && !context.facts.vendor.checked };';

describe('a fact that was asked for and is missing', () => {
  test.each<[string, string, Readonly<Record<string, FactAnswer>>, string]>([
    ['abuse 16: would have denied if it were there: it waits, and does not open', blocked, { vendor: missing }, 'defer (needs_facts) for vendor'],
    ['abuse 16: would have allowed if it were there: it waits', unchecked, { vendor: missing }, 'defer (needs_facts) for vendor'],
    ['story: it is there and good', unchecked, { vendor: known({ checked: true }) }, 'allow (permitted)'],
    ['story: it is there and bad', unchecked, { vendor: known({ checked: false }) }, 'deny (forbidden)'],
    ['story: what else the guard says decides it alone', large, { vendor: missing }, 'allow (permitted)'],
    ['abuse 16: in a question for people: it waits, and asks them when it is there', people, { vendor: missing }, 'defer (needs_facts) for vendor'],
    ['story: a rule that waits for it', window, { change_window: missing }, 'defer (needs_facts) for change_window'],
    ['story: a rule that waits for it although it is there', window, { change_window: known({ open: false, level: 1 }) }, 'defer (needs_facts) for change_window'],
    ['story: a rule that waits for a fact of which nobody is configured', window, {}, 'defer (needs_facts) for change_window'],
    ['story: several rules wait for several facts', blocked + window, { vendor: missing, change_window: missing }, 'defer (needs_facts) for vendor, for change_window'],
    ['abuse 16: a guard that is shut denies, whatever else waits', `${blocked} @id("shut") ${pay};`, { vendor: missing }, 'deny (forbidden) for vendor'],
    ['abuse 16: a guard that compares all facts', `@id("all-facts") ${pay} when { [context.facts].contains(context.facts) };`, { vendor: missing }, 'defer (needs_facts) for vendor'],
  ])('%s', async (_name, policies, answers, expected) => {
    const { said, inputs, bundle } = await decided(policies, answers);
    expect(said.replace(/ for (\S+), for (\S+)$/, (_all, a: string, b: string) => ` for ${[a, b].sort().reverse().join(', for ')}`)).toBe(expected);
    expect(evaluate(JSON.parse(JSON.stringify(inputs)) as DecisionInputs, bundle)).toEqual((await decided(policies, answers)).decision);
  });

  test('abuse 16: a permit that looks at it does not permit', async () => {
    const facts = sourceOf({ vendor: missing });
    const bundle = compile(allowing);
    const policy = new Policy(() => bundle, new FakeClock(), { audience: 'https://flyball.example/mcp', past: { ask: () => Promise.resolve({}) }, facts });
    const { decision } = await policy.decide(situated());
    expect([decision.outcome, decision.kind, decision.verdicts.map(({ policy: id, result }) => `${id} ${result}`)]).toEqual(['deny', 'no_permit', ['allowing error']]);
  });

  test('attack: one that grew old while another was waited for is missing', async () => {
    const { said, inputs } = await decided(unchecked, { vendor: { ...known({ checked: true }), goodUntilMs: nowMs } });
    expect(said).toBe('defer (needs_facts) for vendor');
    expect(inputs.facts?.['vendor']?.missing).toMatch(/grew too old/);
    expect(inputs.context['facts']).toEqual({});
  });

  test('law: a policy that is not marked as waiting says the same whatever the fact would be', async () => {
    const leaf = fc.constantFrom('context.facts has vendor', 'context.facts.vendor.checked', 'context.args.amount == decimal("5.0")', 'context.args.amount == decimal("6.0")', 'context.facts has change_window').map((text) => `(${text})`);
    const condition: fc.Arbitrary<string> = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof({ maxDepth: 4 }, leaf, fc.tuple(tie('tree'), fc.constantFrom('&&', '||', '=='), tie('tree')).map(([left, operator, right]) => `(${left} ${operator} ${right})`), tie('tree').map((inner) => `!(${inner})`), fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(([a, b, c]) => `(if ${a} then ${b} else ${c})`)),
    })).tree;
    const verdict = (bundle: Bundle, inputs: DecisionInputs) => JSON.stringify(evaluate(inputs, bundle).verdicts.filter(({ policy }) => policy === 'guard').map(({ result, error }) => [result, error !== undefined]));
    let waited = 0;
    let sure = 0;
    await fc.assert(
      fc.asyncProperty(condition, async (text) => {
        const bundle = tryCompile(`@id("guard") ${pay} when { ${text.replaceAll('context.facts.vendor.checked', '(context.facts has vendor && context.facts.vendor.checked)')} };`);
        if (!bundle) return;
        const facts = sourceOf({ vendor: missing });
        const policy = new Policy(() => bundle, new FakeClock(), { audience: 'https://flyball.example/mcp', past: { ask: () => Promise.resolve({}) }, facts });
        const { inputs, decision } = await policy.decide(situated());
        if (decision.facts.length > 0) return void waited++;
        sure++;
        const { facts: _asked, ...rest } = inputs;
        const said = verdict(bundle, inputs);
        for (const value of [undefined, { checked: true }, { checked: false }]) expect(verdict(bundle, { ...rest, context: { ...inputs.context, facts: value ? { vendor: value } : {} } })).toBe(said);
      }),
      { numRuns: 80 },
    );
    expect(Math.min(waited, sure)).toBeGreaterThan(5);
  }, 60_000);
});

const tryCompile = (guard: string): Bundle | undefined => {
  try {
    return compile(permit + guard);
  } catch {
    return undefined;
  }
};

describe('who is asked for what', () => {
  const other = '@id("other") forbid (principal, action == Action::"shell.run", resource) when { context.facts has vendor && context.facts.vendor.checked };';

  test.each<[string, string, readonly string[]]>([
    ['a policy of this action', blocked, ['vendor']],
    ['a policy of another action', other, []],
    ['a policy of its group', '@id("g") forbid (principal, action in Action::"payments", resource) unless { context.facts has change_window };', ['change_window']],
    ['a policy of every action', '@id("e") forbid (principal, action, resource) when { context.facts has vendor && context.facts.vendor.checked };', ['vendor']],
    ['a policy in shadow', `@mode("shadow") ${blocked}`, ['vendor']],
    ['a rule that only needs it', `@id("n") @outcome("defer") @needs("vendor,change_window") ${pay} when { context.args.amount.greaterThan(decimal("1.0")) };`, ['change_window', 'vendor']],
    ['a policy that takes all of them', `@id("a") ${pay} when { context.facts == context.facts };`, ['change_window', 'vendor']],
    ['no policy', '', []],
  ])('story: %s', async (_name, policies, expected) => {
    const { facts } = await decided(policies, { vendor: known({ checked: true }), change_window: known({ open: true, level: 1 }) });
    expect([...facts.asked].sort()).toEqual(expected);
  });

  test('attack: an attempt outside of its task sends nobody asking', async () => {
    const facts = sourceOf({ vendor: known({ checked: true }) });
    const bundle = compile(permit + blocked);
    const policy = new Policy(() => bundle, new FakeClock(), { audience: 'https://flyball.example/mcp', past: { ask: () => Promise.resolve({}) }, facts });
    const { decision } = await policy.decide(situated({ session: { capabilities: ['nothing'] } }));
    expect([decision.kind, facts.asked]).toEqual(['capability', []]);
  });
});

test('story: Rego is told which facts are there and which were asked for in vain', async () => {
  const { inputs } = await decided(unchecked + window, { vendor: missing, change_window: known({ open: true, level: 1 }) });
  const [resource = { type: '', id: '' }] = inputs.resources;
  expect(regoInput(inputs, resource, [])['context']).toMatchObject({ facts: { change_window: { open: true, level: 1 } }, missing_facts: ['vendor'] });
});

test('story: an explanation has each fact with its source, its age and why it is missing', async () => {
  const { inputs } = await decided(unchecked + window, { vendor: missing, change_window: { ...known({ open: true, until: { __extn: { fn: 'datetime', arg: '2026-01-01T00:00:00.000Z' } } }), sources: [{ source: 'calendar', fetchedAtMs: nowMs - 1_500 }], parameters: { 'args.payee': 'shop' } } });
  expect(explainFacts(inputs)).toEqual([
    { fact: 'change_window', value: { open: true, until: '2026-01-01T00:00:00.000Z' }, sources: [{ source: 'calendar', at: new Date(nowMs - 1_500).toISOString(), age_ms: 1_500 }], fresh_for_ms: 60_000, parameters: { 'args.payee': 'shop' } },
    { fact: 'vendor', missing: 'no answer', sources: [{ source: 'register', at: new Date(nowMs).toISOString(), age_ms: 0 }], fresh_for_ms: 60_000 },
  ]);
});

test('story: whether a recorded attempt still waits is asked of the providers, not of the record', async () => {
  const answers: Record<string, FactAnswer> = { change_window: known({ open: false, level: 1 }) };
  const { policy, inputs } = await decided(window, answers);
  expect(await policy.stillWaits(inputs, ['change_window'], 0)).toBe(true);
  answers['change_window'] = missing;
  expect(await policy.stillWaits(inputs, ['change_window'], 0)).toBe(true);
  answers['change_window'] = known({ open: true, level: 1 });
  expect(await policy.stillWaits(inputs, ['change_window'], 0)).toBe(false);
  expect(await policy.stillWaits(inputs, ['nobody_supplies'], 0)).toBe(true);
});
