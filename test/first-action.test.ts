import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { command, type RunningGovernor, startGovernor } from './support/governor.js';
import { connect, decisionOf, expectAllowed } from './support/mcp.js';

let canary: Canary;
let governor: RunningGovernor;

beforeAll(async () => {
  canary = await startCanary();
  governor = await startGovernor({ upstreams: `  canary: { url: "${canary.url}" }` });
});
afterAll(async () => {
  await governor.remove();
  canary.stop();
});

test.each(['/mcp/canary', '/mcp'])('story: a permitted call through %s reaches the server once and is recorded with its outcome', async (path) => {
  const client = await connect(governor.url(path), await governor.token('tester'));
  const before = canary.calls().length;
  const result = await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
  expectAllowed(result);
  expect(result.content).toEqual([{ type: 'text', text: 'Echo: hello' }]);
  expect(canary.calls().slice(before)).toMatchObject([{ name: 'echo', args: { message: 'hello' } }]);
  await client.close();
  const [last] = JSON.parse((await command(governor.directory, ['actions', '--json', '--most', '1'])).stdout) as { action: string; effect: string }[];
  expect(last).toMatchObject({ action: 'anything.use', outcome: 'allow (permitted)', effect: 'succeeded', identity: 'tester' });
});

test('story: a name that no server has is denied and reaches nobody', async () => {
  const client = await connect(governor.url('/mcp/canary'), await governor.token('tester'));
  const before = canary.calls().length;
  const result = await client.callTool({ name: 'no_such_tool', arguments: {} });
  expect(decisionOf(result)).toMatchObject({ outcome: 'deny', kind: 'tool_quarantined' });
  expect(canary.calls().length).toBe(before);
  await client.close();
});
