import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBundle, type RunningGovernor, startGovernor } from './support/governor.js';
import { connect, decisionOf, type Wire } from './support/mcp.js';
import { startUpstream, tool, type Upstream } from './support/upstream.js';

let upstream: Upstream;
let governor: RunningGovernor;

const inputSchema = { type: 'object', properties: { to: { type: 'string' }, amount: { type: 'number' }, note: { type: ['string', 'null'] }, tags: { anyOf: [{ type: 'array' }] } }, required: ['to', 'amount'] };

const tools = [tool('release_payment', { inputSchema }), tool('hidden_payment', { inputSchema })];

const files = {
  ...openBundle,
  'bundle/tools/one.json': JSON.stringify({ tools }),
  'bundle/catalogue.yaml': `actions:
  - { name: pay, tier: act, match: { upstream: one, name: release_payment } }
  - { name: hidden, tier: act, match: { upstream: one, name: hidden_payment } }
`,
  'bundle/policies/open.cedar': `@id("open") permit (principal in Group::"testers", action == Action::"pay", resource);
@id("connect") permit (principal in Group::"testers", action in Action::"mcp-protocol", resource);
@id("limit") forbid (principal, action == Action::"pay", resource) when { context.args.amount.greaterThan(decimal("100.0")) };
@id("not-to-eve") forbid (principal, action == Action::"pay", resource) when { context.args.to == "eve" };
`,
};

beforeAll(async () => {
  upstream = await startUpstream(tools);
  governor = await startGovernor({ files, upstreams: `  one: { url: "${upstream.url}", timeout_seconds: 5 }` });
});
afterAll(async () => {
  await governor.remove();
  upstream.stop();
});

const text = (result: unknown): string => (result as { content: { text: string }[] }).content.map((part) => part.text).join('\n');
const denied = (besides: string) => `Denied: policy does not allow this. ${besides}Nothing has happened. This action is not allowed`;

describe.each<readonly [string, Wire]>([['/mcp', 'legacy'], ['/mcp/one', 'legacy'], ['/mcp', '2026-07-28']])('a denied call at %s (%s)', (path, wire) => {
  const call = async (name: string, args: Record<string, unknown>) => {
    const client = await connect(governor.url(path), await governor.token('tester'), wire);
    const result = await client.callTool({ name, arguments: args });
    await client.close();
    expect(decisionOf(result)).toMatchObject({ outcome: 'deny', kind: 'denied' });
    return text(result);
  };

  test('story: whoever sent an argument of another type is told which, and what it is declared as', async () => {
    expect(await call('release_payment', { to: 'ann', amount: 'lots' })).toContain(denied('An argument does not have the type of the tool\'s schema: `amount` (declared as number). '));
    expect(await call('release_payment', { to: ['ann'], amount: 'lots', note: 5, tags: 5 })).toContain(denied('Arguments do not have the type of the tool\'s schema: `to` (declared as string), `amount` (declared as number), `note` (declared as string or null). '));
  });

  test('attack: it is said beside every denial alike, so it tells a broken guard from no other', async () => {
    const besides = 'An argument does not have the type of the tool\'s schema: `note` (declared as string or null). ';
    expect(await call('release_payment', { to: 'eve', amount: 1, note: 5 })).toContain(denied(besides));
    expect(await call('release_payment', { to: 'ann', note: 5 })).toContain(denied(besides));
    expect(await call('release_payment', { to: 'eve', amount: 1, note: null })).toContain(denied(''));
  });

  test('attack: of a tool that is not listed to who asks nothing is said', async () => {
    expect(await call('hidden_payment', { to: 'ann', amount: 'lots' })).toContain(denied(''));
  });
});
