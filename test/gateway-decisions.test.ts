import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { type RunningGovernor, startGovernor } from './support/governor.js';
import { connect, decisionOf, expectAllowed } from './support/mcp.js';
import { actions } from './support/record.js';
import { openWire, paths, resultOf, rpc, textOf } from './support/wire.js';

let canary: Canary;
let governor: RunningGovernor;
let token: string;

const files = {
  'bundle/catalogue.yaml': `actions:
  - { name: echo, tier: inspect, match: { upstream: canary, name: echo } }
  - { name: transfer, tier: act, match: { upstream: canary, name: transfer } }
  - { name: customer.read, tier: inspect, match: { upstream: canary, name: read_customer } }
  - { name: delete, tier: act, match: { upstream: canary, name: delete_everything } }
facts:
  window: { open: boolean }
`,
  'bundle/identities.yaml': `identities:
  - { id: tester, kind: agent, autonomy: autonomous, owner: tests, purpose: testing, groups: [agents] }
  - { id: forbidden, kind: agent, autonomy: autonomous, owner: tests, purpose: testing, groups: [agents] }
  - { id: unpermitted, kind: agent, autonomy: autonomous, owner: tests, purpose: testing, groups: [guests] }
  - { id: broken, kind: agent, autonomy: autonomous, owner: tests, purpose: testing, groups: [agents] }
`,
  'bundle/people.yaml': 'people:\n  - { id: ann, groups: [finance] }\n  - { id: ben, groups: [finance] }\n',
  'bundle/tools/canary.json': JSON.stringify({
    tools: [
      { name: 'echo', description: 'Echoes a message', inputSchema: { type: 'object', properties: { message: { type: 'string' }, count: { type: 'integer' } }, required: ['message'] } },
      { name: 'transfer', description: 'Transfers money', inputSchema: { type: 'object', properties: { to: { type: 'string' }, amount: { type: 'number' }, memo: { type: 'object' } }, required: ['to', 'amount'] }, outputSchema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } },
      { name: 'read_customer', description: 'Reads a customer', inputSchema: { type: 'object', properties: { id: { type: 'string' }, limit: { type: 'integer' } }, required: ['id'] } },
      { name: 'delete_everything', description: 'Deletes everything', inputSchema: { type: 'object', properties: {} } },
    ],
  }),
  'bundle/policies/p.cedar': `@id("protocol") permit (principal, action in Action::"mcp-protocol", resource);
@id("agents-echo") permit (principal in Group::"agents", action == Action::"echo", resource);
@id("secret-rule-name") @reason("a secret reason") forbid (principal == Identity::"forbidden", action == Action::"echo", resource);
@id("broken-rule-name") @reason("a broken reason") forbid (principal == Identity::"broken", action == Action::"echo", resource) when { context.args has count && context.args.count + 9223372036854775807 > 0 };
@id("transfers") permit (principal == Identity::"tester", action == Action::"transfer", resource);
@id("large-transfers") @outcome("step_up") @approvers("finance") @quorum("2") @within("10m") @reason("large transfers need two people") forbid (principal, action == Action::"transfer", resource) when { context.args.amount.greaterThan(decimal("1000.00")) };
@id("customers") @modify("limit=100,redact=pii,redact=secret") permit (principal == Identity::"tester", action == Action::"customer.read", resource);
@id("deletion") permit (principal == Identity::"tester", action == Action::"delete", resource);
@id("window") @outcome("defer") @needs("window") @within("5m") @reason("outside the window") forbid (principal, action == Action::"delete", resource) unless { context.facts has window && context.facts.window.open };
`,
};

beforeAll(async () => {
  canary = await startCanary();
  governor = await startGovernor({ files, upstreams: `  canary: { url: "${canary.url}" }` });
  token = await governor.token('tester');
});
afterAll(async () => {
  await governor.remove();
  canary.stop();
});

describe.each(paths)('through %s', (path) => {
  test.each([
    ['step_up', 'transfer', { to: 'ann', amount: 1_000.01 }, 10 * 60_000],
    ['defer', 'delete_everything', {}, 5 * 60_000],
  ] as const)('story: a %s is answered at once with its hold and its expiry, and reaches nobody', async (outcome, name, args, withinMs) => {
    const client = await openWire(governor.url(path), token);
    const before = canary.calls().length;
    const began = Date.now();
    const answer = await client.call(name, args);
    expect(Date.now() - began).toBeLessThan(5_000);
    const decision = decisionOf(resultOf(answer)) as { outcome: string; hold: string; expires_at: string };
    expect(decision).toMatchObject({ outcome, hold: expect.stringMatching(/^[0-9a-f-]{36}$/) as string });
    const left = Date.parse(decision.expires_at) - Date.now();
    expect(left).toBeGreaterThan(withinMs - 60_000);
    expect(left).toBeLessThanOrEqual(withinMs + 1_000);
    expect(textOf(answer)).toContain('Held');
    expect(answer.text).not.toMatch(/large-transfers|finance|two people|outside the window/);
    expect(canary.calls().length).toBe(before);
    const again = decisionOf(resultOf(await client.call(name, args)));
    expect(again.hold, 'the same question is the same hold').toBe(decision.hold);
    expect((await actions(governor, 500)).find(({ id }) => id === decision.hold)).toMatchObject({ kind: 'hold', effect: 'waiting' });
  });

  test.each([
    [250, 100],
    [100, 100],
    [7, 7],
    [-3, -3],
    [undefined, 100],
  ])('story: a cap of 100 turns a limit of %s into %s in what reaches the server', async (asked, arrived) => {
    const client = await openWire(governor.url(path), token);
    const before = canary.calls().length;
    await client.call('read_customer', { id: 'c1', ...(asked !== undefined && { limit: asked }) });
    expect(canary.calls().slice(before)).toMatchObject([{ name: 'read_customer', args: { id: 'c1', limit: arrived } }]);
  });

  test('story: redaction takes personal data and secrets out of what comes back, and says what was there', async () => {
    const client = await openWire(governor.url(path), token);
    const text = textOf(await client.call('read_customer', { id: 'c1' }));
    expect(text).not.toMatch(/jo@customer|7946|4111|AKIA/);
    expect(text).toContain('[pii]');
    expect(text).toContain('[secret]');
  });

  test.each([
    ['structured content', { content: [], structuredContent: { a: [{ b: 'jo@customer.example' }] } }],
    ['an embedded resource', { content: [{ type: 'resource', resource: { uri: 'x:y', text: 'jo@customer.example' } }] }],
    ['a link', { content: [{ type: 'resource_link', uri: 'mailto:jo@customer.example', name: 'x' }] }],
    ['`_meta`', { content: [], _meta: { 'x/y': 'jo@customer.example' } }],
    ['the name of a member', { content: [], structuredContent: { 'jo@customer.example': 1 } }],
    ['an error', { isError: true, content: [{ type: 'text', text: 'no such customer jo@customer.example' }] }],
    ['JSON in a text', { content: [{ type: 'text', text: JSON.stringify({ mail: 'jo@customer.example' }) }] }],
    ['JSON in a text, escaped', { content: [{ type: 'text', text: '{"mail":"jo\\u0040customer.example"}' }] }],
    ['a blob', { content: [{ type: 'resource', resource: { uri: 'x:y', blob: Buffer.from('mail jo@customer.example').toString('base64') } }] }],
    ['base64 in a text', { content: [{ type: 'text', text: Buffer.from('the mail is jo@customer.example, no more').toString('base64') }] }],
    ['fullwidth letters', { content: [{ type: 'text', text: 'jo＠customer．example' }] }],
    ['a zero-width letter in between', { content: [{ type: 'text', text: 'jo\u200b@customer\u200b.example' }] }],
    ['two texts', { content: [{ type: 'text', text: 'jo@cust' }, { type: 'text', text: 'omer.example' }] }],
    ['a number', { content: [], structuredContent: { card: 4111111111111111 } }],
  ])('abuse 63: personal data in %s is taken out too', async (_what, answer) => {
    await canary.control({ answer });
    const client = await openWire(governor.url(path), token);
    const { text } = await client.call('read_customer', { id: 'c1' });
    await canary.control({ answer: null });
    const texts = ((JSON.parse(/\{.*\}/s.exec(text)?.[0] ?? '{}') as { result?: { content?: { text?: string }[] } }).result?.content ?? []).map((block) => block.text ?? '').join('');
    const plain = `${text}\n${texts}`.normalize('NFKC').replace(/\\u0040/g, '@').replace(/\u200b/g, '');
    const decoded = [...text.matchAll(/[A-Za-z0-9+/]{16,}={0,2}/g)].map(([word]) => Buffer.from(word, 'base64').toString('latin1')).join('\n');
    expect(`${plain}\n${decoded}`).not.toMatch(/jo@customer|4111111111111111/);
  });

  test('law: forbidden, not permitted and broken guard say the same to the machine, and never which rule', async () => {
    const texts: Record<string, string> = {};
    const kinds: Record<string, unknown> = {};
    for (const identity of ['forbidden', 'unpermitted', 'broken']) {
      const client = await openWire(governor.url(path), await governor.token(identity));
      const answer = await client.call('echo', { message: 'x', count: 1 });
      expect(answer.text, identity).not.toMatch(/rule-name|secret reason|broken reason|agents-echo|overflow|guard/);
      texts[identity] = textOf(answer);
      kinds[identity] = decisionOf(resultOf(answer)).kind;
      expect(textOf(answer)).toContain('ask the owner for access');
    }
    expect(new Set(Object.values(texts)).size, JSON.stringify(texts)).toBe(1);
    expect(new Set(Object.values(kinds))).toEqual(new Set(['denied']));
  });

  test('attack: wrong arguments do not tell more about a forbidden tool than right ones', async () => {
    const client = await openWire(governor.url(path), await governor.token('unpermitted'));
    const [right, wrong, unknown] = [await client.call('echo', { message: 'x' }), await client.call('echo', { message: 5 }), await client.call('echo', { message: 'x', other: 1 })];
    expect([textOf(wrong), textOf(unknown)]).toEqual([textOf(right), textOf(right)]);
  });

  test.each(['resources/read', 'prompts/get', 'completion/complete'])('law: a %s that nobody permits reaches nobody', async (method) => {
    const before = canary.calls().length;
    const client = await openWire(governor.url(path), token);
    const answer = await client.post(rpc(7, method, { uri: 'canary://note', name: 'note', ref: { type: 'ref/resource', uri: 'canary://note' }, argument: { name: 'a', value: 'b' } }));
    if (method !== 'completion/complete') expect((resultOf(answer) as { code?: number }).code).toBe(-32001);
    expect(canary.calls().length).toBe(before);
  });
});

test('story: a client of the stateless era gets the same outcomes', async () => {
  const client = await connect(governor.url(), token, '2026-07-28');
  const before = canary.calls().length;
  expectAllowed(await client.callTool({ name: 'transfer', arguments: { to: 'ann', amount: 1_000 } }));
  const stranger = await connect(governor.url(), await governor.token('unpermitted'), '2026-07-28');
  expect(decisionOf(await stranger.callTool({ name: 'transfer', arguments: { to: 'ann', amount: 1_000 } }))).toMatchObject({ outcome: 'deny' });
  expect(canary.calls().slice(before)).toHaveLength(1);
  await Promise.all([client.close(), stranger.close()]);
});

test('law: L10, no token and nothing redacted is in the log', () => {
  expect(governor.log()).not.toMatch(/eyJ|jo@customer|AKIA|4111 ?1111/);
});
