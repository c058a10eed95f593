import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBundle, type RunningGovernor, startGovernor } from './support/governor.js';
import { connect, decisionOf, raw, type Wire } from './support/mcp.js';
import { actions } from './support/record.js';
import { startUpstream, tool, type Upstream } from './support/upstream.js';
import { openWire, resultOf, rpc, stateless, textOf, toolCall } from './support/wire.js';

let one: Upstream;
let two: Upstream;
let governor: RunningGovernor;
let token: string;

const files = {
  ...openBundle,
  'bundle/catalogue.yaml': `actions:
  - { name: echo.use, tier: inspect, match: { upstream: "*", name: echo } }
  - { name: wild.use, tier: act, match: { upstream: "*", name: "wild*" } }
  - { name: wild.read, tier: inspect, match: { upstream: "*", method: resources/read, name: "*" } }
`,
};

beforeAll(async () => {
  [one, two] = [await startUpstream([tool('echo')]), await startUpstream([tool('echo')])];
  governor = await startGovernor({ files, upstreams: `  one: { url: "${one.url}", timeout_seconds: 5 }\n  two: { url: "${two.url}", timeout_seconds: 5 }` });
  token = await governor.token('tester');
});
afterAll(async () => {
  await governor.remove();
  one.stop();
  two.stop();
});

const text = (result: unknown): string => (result as { content: { text: string }[] }).content.map((part) => part.text).join('\n');
const reached = () => one.of('tools/call').length + two.of('tools/call').length;
const said = 'Denied: no such action. Nothing has happened. This action is not allowed for this identity and session. Do not try the same effect in another way; report it, or ask the owner for access.';

describe.each<Wire>(['legacy', '2026-07-28'])('a tool that no upstream has (%s)', (wire) => {
  test.each<[string, string, string?]>([
    ['/mcp', 'nope'],
    ['/mcp', 'nope__x'],
    ['/mcp', 'flyball__nope'],
    ['/mcp', 'one__'],
    ['/mcp', 'wild'],
    ['/mcp', 'x'.repeat(2_048)],
    ['/mcp', 'one__nope', 'one tools/call nope'],
    ['/mcp/one', 'nope', 'one tools/call nope'],
    ['/mcp/one', 'one__echo', 'one tools/call one__echo'],
  ])('law: at %s a call of %.40s is refused like any other, recorded once, and reaches nobody', async (path, name, known) => {
    const session = await governor.openSession(token);
    const client = await connect(governor.url(path), token, wire, { 'flyball-session': session });
    const before = reached();
    const result = await client.callTool({ name, arguments: { secret: 'x'.repeat(10_000) } });
    await client.close();
    expect(reached()).toBe(before);
    expect([result.isError, text(result)]).toEqual([true, said]);
    const { kind, outcome, evaluation } = decisionOf(result);
    expect([kind, outcome]).toEqual(['action_unknown', 'deny']);
    const rows = ((await governor.ask('operator', 'GET', `/v1/actions?session=${session}`)).value as Awaited<ReturnType<typeof actions>>).filter((row) => row.kind !== 'intent' && row.outcome.startsWith('deny'));
    expect(rows).toMatchObject([{ id: evaluation, kind: 'refusal', identity: 'tester', outcome: 'deny (action_unknown)', effect: 'none' }]);
    const explained = (await governor.ask('operator', 'GET', `/v1/actions/${evaluation ?? ''}`)).value as { readonly call: string };
    expect(JSON.stringify(explained).length).toBeLessThan(2_000);
    expect(explained.call).toBe(known ?? `flyball tools/call ${name.slice(0, 256)}`);
  });

  test('attack: a name longer than any is refused at once', async () => {
    const client = await connect(governor.url(), token, wire);
    await expect(client.callTool({ name: 'x'.repeat(3_000) })).rejects.toMatchObject({ code: -32602 });
    await client.close();
  });

  test('law: who may not ask in a session learns that, and nothing of names', async () => {
    const theirs = { 'flyball-session': await governor.openSession(await governor.token('other')) };
    const client = wire === 'legacy' ? await openWire(governor.url(), token) : undefined;
    for (const name of ['nope', 'one__nope']) {
      const { body, headers } = stateless(7, 'tools/call', { name, arguments: {} });
      const answer = client ? await client.post(toolCall(name), theirs) : await raw(governor.url(), body, token, { ...headers, ...theirs });
      expect(decisionOf(resultOf(answer)).kind, answer.text).toBe('session_refused');
    }
  });
});

test('law: what else no upstream has is refused and recorded, and never begun', async () => {
  const client = await openWire(governor.url(), token);
  for (const [method, params] of [['resources/read', { uri: 'nobody://x' }], ['prompts/get', { name: 'nope' }]] as const) {
    const answer = await client.post(rpc(7, method, params));
    expect(resultOf(answer), method).toMatchObject({ code: -32001, message: said });
    expect((await actions(governor, 1))[0], method).toMatchObject({ kind: 'refusal', identity: 'tester', outcome: 'deny (action_unknown)' });
  }
  expect(textOf(await client.call('one__echo'))).toBe('done echo');
});
