import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { moneyBundle, startTwoNodes, wasDone } from './support/exported-record.js';
import { type RunningGovernor, waitFor } from './support/governor.js';
import { raw } from './support/mcp.js';
import { startPostgres } from './support/postgres.js';
import { isRefusal, openWire, toolCall, type WireClient } from './support/wire.js';

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

const noMoneyAfterCustomers = '@id("no-money-after-customers") forbid (principal, action == Action::"money.move", resource) when { context.session.labels.contains("pii") };';
const knownWithinMs = 10_000;

describe.skipIf(postgres === undefined)('what one node learns', () => {
  let canary: Canary;
  let nodes: readonly [RunningGovernor, RunningGovernor];
  beforeAll(async () => {
    canary = await startCanary();
    const files = {
      ...moneyBundle(noMoneyAfterCustomers),
      'bundle/catalogue.yaml': 'actions:\n  - { name: money.move, tier: act, automation: human, match: { upstream: canary, name: transfer } }\n  - { name: customer.read, tier: inspect, reads: [pii], match: { upstream: canary, name: read_customer } }\n  - { name: anything.use, tier: inspect, match: { upstream: "*", name: "*" } }\n',
    };
    nodes = await startTwoNodes({ files, upstreams: `  canary: { url: "${canary.url}", timeout_seconds: 10 }` }, (await postgres?.database()) ?? '');
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.remove()));
    canary.stop();
  });

  /** A client on a node, in a session of its own. */
  async function inSession(node: RunningGovernor, token: string, session: string): Promise<WireClient> {
    return openWire(node.url('/mcp/canary'), token, { 'flyball-session': session });
  }

  const transfer = (client: WireClient, to: string) => client.post(toolCall('transfer', { to, amount: 1 }));

  test('law: what an identity read in one session on one node counts in its other session on the other node, within seconds', async () => {
    const [first, second] = nodes;
    const token = await first.token('tester');
    const opened = await Promise.all([0, 1].map(async () => ((await raw(`${first.machines}/v1/sessions`, '{}', token)).body as { session: string }).session));
    const reader = await inSession(first, token, opened[0] ?? '');
    const payer = await inSession(second, token, opened[1] ?? '');
    // Both sessions are in the second node's memory, without any label.
    expect(wasDone(await transfer(await inSession(second, token, opened[0] ?? ''), 'early-1'))).toBe(true);
    expect(wasDone(await transfer(payer, 'early-2'))).toBe(true);
    expect(isRefusal(await reader.post(toolCall('read_customer', { id: '7' })))).toBe(false);
    await waitFor(async () => (isRefusal(await transfer(payer, 'late')) ? true : undefined), knownWithinMs);
  });
});
