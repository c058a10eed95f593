import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Board } from '../packages/server/src/approval/index.js';
import { HttpLink, HttpUpstream, serveStdio } from '../packages/server/src/gateway/mcp/index.js';
import { waitFor } from './support/governor.js';
import { connect, decisionOf } from './support/mcp.js';
import { startPostgres } from './support/postgres.js';
import { startUpstream, tool, type Upstream } from './support/upstream.js';
import { LineTransport, TasksClient, tasksMeta, WaitingHouse } from './support/waiting-house.js';
import { openWire, resultOf, rpc, stateless } from './support/wire.js';

const paths = ['/mcp', '/mcp/bank'] as const;
let bank: Upstream;
let house: WaitingHouse;
let token: string;

beforeAll(async () => {
  bank = await startUpstream([tool('pay', { inputSchema: { type: 'object', properties: { to: { type: 'string' }, amount: { type: 'integer' } }, required: ['to'] } }), tool('look')], ({ method, id, params }, response) => {
    if (method !== 'tools/call') return undefined;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result: { resultType: 'complete', content: [{ type: 'text', text: `paid ${String((params['arguments'] as { to?: string }).to)}` }] } }));
    return true;
  });
  house = await WaitingHouse.open(bank.url);
  token = await house.token('tester');
});
afterAll(async () => {
  await house.close();
  rmSync(house.directory, { recursive: true, force: true });
  bank.stop();
});

const paid = (to: string) => bank.of('tools/call', 'pay').filter(({ params }) => (params['arguments'] as { to: string }).to === to).length;
const text = (result: unknown) => ((result as { content?: { text?: string }[] } | undefined)?.content ?? []).map((part) => part.text ?? '').join('\n');
const tasks = (path: string = '/mcp', bearer = token) => new TasksClient(house.url(path), bearer);
const holdOf = (result: unknown): string => decisionOf(result).hold ?? (result as { _meta: { 'flyball/decision': { hold: string } } })._meta['flyball/decision'].hold;
/** Runs with these guards in the place of the house's own. */
async function underPolicy(policy: string, run: () => Promise<void>): Promise<void> {
  const file = join(house.directory, 'bundle/policies/money.cedar');
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, policy);
  await house.governor.bundle.load();
  try {
    await run();
  } finally {
    writeFileSync(file, before);
    await house.governor.bundle.load();
  }
}

/** What this node knows of open holds, for counting who listens there. */
const board = () => (house.governor.desk.waiting as unknown as { readonly parts: { readonly approval: { readonly board: Board } } }).parts.approval.board;
const kinds = async (hold: string) => (await house.governor.ledger.store.list({ kinds: ['intent', 'refusal', 'hold'], most: 1_000 })).filter((entry) => entry.settles === hold || entry.id === hold).map(({ kind }) => kind);

async function oldClient(path: string): Promise<OldClient> {
  const client = new OldClient({ name: 'old', version: '1' });
  await client.connect(new OldHttp(new URL(house.url(path)), { requestInit: { headers: { authorization: `Bearer ${token}` } } }) as Parameters<OldClient['connect']>[0]);
  return client;
}

async function stdioClient(): Promise<{ readonly client: Client; readonly end: () => Promise<void> }> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const server = new HttpUpstream('bank', bank.url, {});
  const caller = { presented: { kind: 'stdio', identity: 'tester' } as const, address: '', gateway: 'mcp-stdio' };
  const served = serveStdio(house.governor.port, [{ upstream: 'bank', prefix: '', timeoutMs: 10_000, unlisted: false, open: (listener) => new HttpLink(server, listener) }], { input, output, caller });
  const client = new Client({ name: 'pipe', version: '1' }, { versionNegotiation: { mode: 'legacy' } });
  await client.connect(new LineTransport(input, output) as unknown as Parameters<Client['connect']>[0]);
  const end = async () => {
    await client.close();
    await served;
    await server.close();
  };
  return { client, end };
}

describe('a client that knows neither tasks nor answers in several legs', () => {
  type Calls = () => Promise<{ call(name: string, args: object): Promise<unknown>; end(): Promise<void> }>;
  const clients: readonly (readonly [string, Calls])[] = [
    ...paths.map((path) => [`the client of 2025 over HTTP at ${path}`, async () => {
      const client = await oldClient(path);
      return { call: (name: string, args: object) => client.callTool({ name, arguments: { ...args } }), end: () => client.close() };
    }] as const satisfies readonly [string, Calls]),
    ['the client of 2026 as one of 2025 over HTTP', async () => {
      const client = await connect(house.url(), token);
      return { call: (name: string, args: object) => client.callTool({ name, arguments: { ...args } }), end: () => client.close() };
    }],
    ['the client over stdio', async () => {
      const { client, end } = await stdioClient();
      return { call: (name: string, args: object) => client.callTool({ name, arguments: { ...args } }), end };
    }],
  ];

  test.each(clients)('story: %s is told that it waits, passes once when it was agreed to, and is asked again then', async (name, open) => {
    const client = await open();
    const held = await client.call('pay', { to: name });
    expect(held).toMatchObject({ isError: true });
    expect(text(held)).toContain('Nothing has happened');
    expect(text(held)).toContain('exactly the same arguments');
    const hold = holdOf(held);
    expect(text(held)).toContain(hold);
    expect(holdOf(await client.call('pay', { to: name })), 'the same question').toBe(hold);
    expect(holdOf(await client.call('pay', { to: name, amount: 7 })), 'other arguments, another question').not.toBe(hold);
    await house.answer(hold);
    expect(paid(name)).toBe(0);
    expect(text(await client.call('pay', { to: name }))).toBe(`paid ${name}`);
    const third = await client.call('pay', { to: name });
    expect(holdOf(third)).not.toBe(hold);
    expect(paid(name)).toBe(1);
    await client.end();
  });

  test('story: what a person refused is said to be refused, so that nobody looks for another way', async () => {
    const client = await connect(house.url(), token);
    const hold = holdOf(await client.callTool({ name: 'pay', arguments: { to: 'refused' } }));
    await house.answer(hold, false);
    const answer = await client.callTool({ name: 'pay', arguments: { to: 'refused' } });
    expect(decisionOf(answer)).toMatchObject({ outcome: 'deny', kind: 'approval_refused' });
    expect(text(answer)).toMatch(/a person refused this.*Nothing has happened.*Do not try the same effect in another way/s);
    await client.close();
  });

  test('abuse 36: what expired is said to have expired, and calling again is said to be a new question', async () => {
    const client = await connect(house.url(), token);
    const hold = holdOf(await client.callTool({ name: 'pay', arguments: { to: 'late', amount: 1 } }));
    const waited = await client.callTool({ name: 'flyball__wait', arguments: { hold, seconds: 5 } });
    expect(text(waited)).toMatch(/^Expired: nobody answered/);
    const again = await client.callTool({ name: 'pay', arguments: { to: 'late', amount: 1 } });
    expect(text(again)).toContain(`the earlier one (hold ${hold}) expired without an answer`);
    expect(holdOf(again)).not.toBe(hold);
    await client.close();
  });
});

describe('the tool to wait with', () => {
  test('law: it is listed where a policy can ask people, always in the same place, and nowhere else', async () => {
    const client = await connect(house.url(), token);
    const first = (await client.listTools()).tools.map(({ name }) => name);
    expect(first).toEqual(['pay', 'look', 'flyball__wait']);
    await client.callTool({ name: 'pay', arguments: { to: 'listed' } });
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(first);
    const relayed = await openWire(house.url('/mcp/bank'), token);
    expect((await relayed.post(rpc(1, 'tools/list'))).text).not.toContain('flyball__wait');
    await underPolicy('', async () => expect((await client.listTools(undefined, { cacheMode: 'refresh' })).tools.map(({ name }) => name)).toEqual(['pay', 'look']));
    await client.close();
  });

  test.each(['legacy', '2026-07-28'] as const)('story: it wakes within 100 ms of the answer, and tells how far it is (%s)', async (wire) => {
    const client = await connect(house.url(), token, wire);
    const held = (to: string) => (wire === 'legacy' ? client.callTool({ name: 'pay', arguments: { to } }) : tasks().pay(to, { 'io.modelcontextprotocol/protocolVersion': wire, 'io.modelcontextprotocol/clientCapabilities': {} }));
    const progress: number[] = [];
    const late: number[] = [];
    // The best of three: what is measured is the tool, not what else runs on this machine.
    for (const [round, waitMs] of [undefined, 300, 300].entries()) {
      const hold = holdOf(await held(`woken-${wire}-${round}`));
      const waiting = client.callTool({ name: 'flyball__wait', arguments: { hold } }, { onprogress: (each) => void progress.push(each.progress) }).then((result) => ({ result, at: performance.now() }));
      // The first is answered once it has told how far it is.
      await (waitMs === undefined ? waitFor(() => progress.length > 0 || undefined, 30_000) : new Promise((done) => setTimeout(done, waitMs)));
      await house.answer(hold);
      const answeredAt = performance.now();
      const { result, at } = await waiting;
      expect(text(result)).toMatch(/^Approved until/);
      late.push(at - answeredAt);
    }
    expect(Math.min(...late)).toBeLessThan(100);
    expect(progress.length).toBeGreaterThan(0);
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);
    await client.close();
  });

  test('story: over stdio, too; and it says when the time is up', async () => {
    const { client, end } = await stdioClient();
    const hold = holdOf(await client.callTool({ name: 'pay', arguments: { to: 'pipe' } }));
    expect(text(await client.callTool({ name: 'flyball__wait', arguments: { hold, seconds: 1 } }))).toMatch(/^Pending until .*: 1 more person has to agree\./);
    await house.answer(hold, false);
    expect(text(await client.callTool({ name: 'flyball__wait', arguments: { hold, seconds: 55 } }))).toMatch(/^Refused: a person said no/);
    await end();
  });

  test('abuse 57: another identity, another person and another session learn nothing of a hold, by no route', async () => {
    const hold = holdOf(await tasks().pay('secret-payee'));
    const opened = (await (await fetch(house.url('/v1/sessions'), { method: 'POST', body: '{}', headers: { authorization: `Bearer ${token}` } })).json()) as { session: string };
    const strangers: readonly [string, string, Record<string, string>][] = [
      ['another identity', await house.token('other'), {}],
      ['another person', await house.token('tester', 'eve@example.com'), {}],
      ['another session', token, { 'flyball-session': opened.session }],
    ];
    for (const [who, bearer, headers] of strangers) {
      const stranger = new TasksClient(house.url(), bearer, headers);
      const asked = [
        await stranger.raw('tools/call', { name: 'flyball__wait', arguments: { hold, seconds: 1 } }),
        await stranger.raw('tasks/get', { taskId: `flyball-hold-${hold}` }),
        await stranger.raw('tasks/cancel', { taskId: `flyball-hold-${hold}` }),
        await stranger.raw('tasks/update', { taskId: `flyball-hold-${hold}`, inputResponses: {} }),
      ];
      const unknown = await stranger.raw('tasks/get', { taskId: `flyball-hold-${hold.slice(0, -4)}0000` });
      for (const answer of asked) expect(answer.text, who).toMatch(/no such (hold|task)/);
      expect(resultOf(asked[1] ?? unknown), who).toEqual(resultOf(unknown));
    }
    for (const [who, bearer] of strangers.slice(0, 2)) {
      const headers = { authorization: `Bearer ${bearer}` };
      const url = house.url(`/v1/holds/${hold}`);
      expect([(await fetch(url, { headers })).status, (await fetch(`${url}/wait?seconds=1`, { headers })).status, (await fetch(url, { method: 'DELETE', headers })).status, (await fetch(`${url}/evidence`, { method: 'POST', headers, body: '{"kind":"ticket","value":{}}' })).status], who).toEqual([404, 404, 404, 404]);
    }
    expect((await tasks().get(`flyball-hold-${hold}`))['status']).toBe('working');
    const probes = (await house.governor.ledger.store.list({ kinds: ['refusal'], most: 200 })).filter((entry) => (entry.body as { error?: { code?: string } }).error?.code === 'not_found');
    expect(probes.length, 'who asked for what is not theirs is in the record').toBeGreaterThan(0);
  });

  test('law: whoever goes away while waiting leaves nothing behind', async () => {
    const hold = holdOf(await tasks().pay('left'));
    const { waiting } = house.governor.port;
    const controllers = Array.from({ length: 20 }, () => new AbortController());
    const body = stateless(1, 'tools/call', { name: 'flyball__wait', arguments: { hold } });
    const wire = await openWire(house.url(), token);
    const gone = controllers.map(({ signal }, index) => {
      const init = index % 3 === 0
        ? { url: house.url(`/v1/holds/${hold}/wait`), method: 'GET', headers: {} }
        : index % 3 === 1
          ? { url: house.url(), method: 'POST', body: body.body, headers: { ...body.headers } }
          : { url: house.url(), method: 'POST', body: rpc(`gone-${index}`, 'tools/call', { name: 'flyball__wait', arguments: { hold } }), headers: { 'mcp-session-id': wire.session } };
      return fetch(init.url, { ...init, signal, headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: `Bearer ${token}`, ...init.headers } }).catch(() => undefined);
    });
    await waitFor(() => (waiting.waits === 20 ? true : undefined), 10_000);
    controllers.forEach((controller) => controller.abort());
    await Promise.all(gone);
    await waitFor(() => (waiting.waits === 0 && board().waiting === 0 ? true : undefined), 10_000);
  });
});

describe('a client of 2026-07-28 without tasks', () => {
  /** The hold for a payee on which somebody waits by now. */
  const waited = (to: string): Promise<string> =>
    waitFor(async () => {
      if (house.governor.port.waiting.waits === 0) return undefined;
      const held = await house.governor.ledger.store.list({ kinds: ['hold'], most: 5 });
      const asked = await Promise.all(held.map(async ({ id }) => ({ id, content: (await house.governor.ledger.store.payload(id))?.content ?? '' })));
      return asked.find(({ content }) => content.includes(`"to":"${to}"`))?.id;
    });

  test('story: the official client waits by itself, and has its result when somebody agrees in time', async () => {
    const client = await connect(house.url(), token, '2026-07-28');
    const calling = client.callTool({ name: 'pay', arguments: { to: 'patient' } });
    const hold = await waited('patient');
    await house.answer(hold);
    expect(text(await calling)).toBe('paid patient');
    expect(paid('patient')).toBe(1);
    await client.close();
  });

  test('story: refused while it waits is said at once', async () => {
    const client = await connect(house.url(), token, '2026-07-28');
    const calling = client.callTool({ name: 'pay', arguments: { to: 'impatient' } });
    const hold = await waited('impatient');
    await house.answer(hold, false);
    expect(decisionOf(await calling)).toMatchObject({ kind: 'approval_refused' });
    await client.close();
  });

  test.each(paths)('attack: the state of a hold lets nobody pass who could not anyway (%s)', async (path) => {
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
    const client = tasks(path);
    const first = await client.ask('tools/call', { name: 'pay', arguments: { to: `state-${path}` } }, meta);
    expect(first).toMatchObject({ resultType: 'input_required' });
    expect(first['inputRequests'], 'the person at the client is not asked to approve').toBeUndefined();
    const { requestState } = first;
    await house.answer(holdOf(first));
    const other = new TasksClient(house.url(path), await house.token('other'));
    const stolen = await other.ask('tools/call', { name: 'pay', arguments: { to: `state-${path}` }, requestState }, meta);
    expect(holdOf(stolen)).not.toBe(holdOf(first));
    const changed = await client.ask('tools/call', { name: 'pay', arguments: { to: `state-${path}`, amount: 9 }, requestState }, meta);
    expect(holdOf(changed)).not.toBe(holdOf(first));
    expect(paid(`state-${path}`)).toBe(0);
    expect(text(await client.ask('tools/call', { name: 'pay', arguments: { to: `state-${path}` }, requestState }, meta))).toBe(`paid state-${path}`);
    expect(paid(`state-${path}`)).toBe(1);
    expect(bank.of('tools/call', 'pay').filter(({ params }) => params['requestState'] !== undefined)).toEqual([]);
  });
});

describe.each(paths)('a client with tasks at %s', (path) => {
  const name = (to: string) => `${to}@${path}`;

  test('story: a task from the question to the result, which stays there for a second look', async () => {
    const client = tasks(path);
    const task = await client.pay(name('task'));
    expect(task).toMatchObject({ resultType: 'task', status: 'working', pollIntervalMs: 5_000 });
    expect(Number(task['ttlMs'])).toBeGreaterThan(600_000);
    expect(await client.get(task['taskId'])).toMatchObject({ resultType: 'complete', status: 'working' });
    await house.answer(holdOf(task));
    expect(paid(name('task'))).toBe(0);
    const done = await client.get(task['taskId']);
    expect(done).toMatchObject({ resultType: 'complete', status: 'completed', taskId: task['taskId'], createdAt: task['createdAt'] });
    expect(text(done['result'])).toBe(`paid ${name('task')}`);
    const again = await client.get(task['taskId']);
    expect(again['result']).toEqual(done['result']);
    expect(paid(name('task'))).toBe(1);
    expect(await kinds(holdOf(task))).toEqual(['intent', 'hold']);
    expect(await client.ask('tasks/cancel', { taskId: task['taskId'] }), 'too late, and acknowledged').toEqual({ resultType: 'complete' });
    expect((await client.get(task['taskId']))['status']).toBe('completed');
  });

  test('abuse 30: fifty polls at once after the answer perform it once, and all of them have its result', async () => {
    const client = tasks(path);
    const task = await client.pay(name('fifty'));
    await house.answer(holdOf(task));
    const polls = await Promise.all(Array.from({ length: 50 }, () => client.get(task['taskId'])));
    expect(new Set(polls.map(({ status }) => status))).toEqual(new Set(['completed']));
    expect(new Set(polls.map(({ result }) => text(result)))).toEqual(new Set([`paid ${name('fifty')}`]));
    expect(paid(name('fifty'))).toBe(1);
    expect(await kinds(holdOf(task))).toEqual(['intent', 'hold']);
  });

  test('abuse 30: polls and calls race for one approval: one effect, and no new question from a poll', async () => {
    const client = tasks(path);
    const task = await client.pay(name('raced'));
    await house.answer(holdOf(task));
    await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? client.get(task['taskId']) : client.pay(name('raced')))));
    expect(paid(name('raced'))).toBe(1);
    expect((await client.get(task['taskId']))['status']).toBe('completed');
  });

  test('story: refused, taken back and expired tasks say so', async () => {
    const client = tasks(path);
    const [refused, cancelled] = [await client.pay(name('no')), await client.pay(name('never-mind'))];
    const late = await client.ask('tools/call', { name: 'pay', arguments: { to: name('late'), amount: 1 } });
    await house.answer(holdOf(refused), false);
    expect(await client.ask('tasks/cancel', { taskId: cancelled['taskId'] })).toEqual({ resultType: 'complete' });
    const [no, gone] = [await client.get(refused['taskId']), await client.get(cancelled['taskId'])];
    expect(no).toMatchObject({ status: 'completed', result: { isError: true } });
    expect(text(no['result'])).toMatch(/^Refused: a person said no/);
    expect(gone).toMatchObject({ status: 'cancelled' });
    await expect(house.answer(holdOf(cancelled))).rejects.toThrow('cancelled');
    const over = await waitFor(async () => ((each) => (each['status'] === 'working' ? undefined : each))(await client.get(late['taskId'])), 5_000);
    expect(text(over['result'])).toMatch(/^Expired: nobody answered/);
    expect([paid(name('no')), paid(name('never-mind')), paid(name('late'))]).toEqual([0, 0, 0]);
  });

  test('law: a task is given only to who says in that request that they know tasks, and polled only by them', async () => {
    const plain = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
    const client = tasks(path);
    expect((await client.pay(name('plain'), plain))['resultType']).toBe('input_required');
    const task = await client.pay(name('plain'));
    expect(task['resultType']).toBe('task');
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const answer = await client.raw(method, { taskId: task['taskId'] }, plain);
      expect([answer.status, resultOf(answer)['code']], method).toEqual(path === '/mcp' ? [400, -32021] : [400, -32021]);
    }
    const discovered = await client.ask('server/discover', {});
    expect(discovered['capabilities']).toMatchObject({ extensions: { 'io.modelcontextprotocol/tasks': {} } });
  });

  test('story: a client that went away while its action ran finds the result when it asks again', async () => {
    const client = tasks(path);
    const task = await client.pay(name('slow'));
    const behaviour = bank.behaviour;
    bank.behaviour = (seen, response) => {
      if (seen.method !== 'tools/call') return undefined;
      setTimeout(() => behaviour(seen, response), 500);
      return true;
    };
    await house.answer(holdOf(task));
    const { body, headers } = stateless(99, 'tasks/get', { taskId: task['taskId'], _meta: tasksMeta });
    const poll = request(house.url(path), { method: 'POST', headers: { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: `Bearer ${token}` } });
    poll.on('error', () => undefined).end(body);
    await waitFor(() => (paid(name('slow')) === 1 ? true : undefined));
    poll.destroy();
    const done = await waitFor(async () => ((each) => (each['status'] === 'working' ? undefined : each))(await client.get(task['taskId'])), 5_000);
    bank.behaviour = behaviour;
    expect(text(done['result'])).toBe(`paid ${name('slow')}`);
    expect(paid(name('slow'))).toBe(1);
  });
});

test('abuse 34: a tool that changed after it was agreed to is not called for a task', async () => {
  const client = tasks();
  const task = await client.pay('drifted');
  await house.answer(holdOf(task));
  const before = bank.tools;
  bank.tools = bank.tools.map((each) => (each.name === 'pay' ? { ...each, description: 'Pays somebody else' } : each));
  house.governor.port.tools.invalidate('bank');
  const over = await client.get(task['taskId']);
  bank.tools = before;
  house.governor.port.tools.invalidate('bank');
  expect(paid('drifted')).toBe(0);
  expect(over).toMatchObject({ status: 'completed', result: { isError: true } });
  expect(text(over['result'])).toContain('not as it was');
});

test.each([
  ['that nobody has to agree', ''],
  ['that others have to agree', '@id("ask") @outcome("step_up") @approvers("finance") @quorum("2") @within("10m")\nforbid (principal, action == Action::"money.pay", resource);\n'],
])('abuse 34: when policy says since the answer %s, a poll neither performs nor asks anew', async (name, policy) => {
  const client = tasks();
  const task = await client.pay(name);
  const hold = holdOf(task);
  await house.answer(hold);
  await underPolicy(policy, async () => {
    const written = async () => (await house.governor.ledger.store.list({ kinds: ['hold', 'intent'], most: 1_000 })).length;
    const before = await written();
    expect(text((await client.get(task['taskId']))['result'])).toContain('no longer what was approved');
    expect(await written()).toBe(before);
  });
  expect(paid(name)).toBe(0);
  // Under the policy that was agreed to, the approval is as good as before.
  expect(text((await client.get(task['taskId']))['result'])).toBe(`paid ${name}`);
});

test('story: a task of a hold is performed after a restart; a result that the restart lost is told without repeating anything', async () => {
  const [first, second] = [await tasks().pay('restarted'), await tasks().pay('restarted-after')];
  await house.answer(holdOf(first));
  await house.answer(holdOf(second));
  expect((await tasks().get(second['taskId']))['status']).toBe('completed');
  await house.close();
  house = await WaitingHouse.open(bank.url, { directory: house.directory });
  const done = await tasks().get(first['taskId']);
  expect(text(done['result'])).toBe('paid restarted');
  const lost = await tasks().get(second['taskId']);
  expect(lost['status']).toBe('completed');
  expect(text(lost['result'])).toMatch(/performed once under this approval, and succeeded\. Do not repeat it/);
  expect([paid('restarted'), paid('restarted-after')]).toEqual([1, 1]);
});

test('story: without MCP a machine looks, waits, and takes back its question', async () => {
  const headers = { authorization: `Bearer ${token}` };
  const hold = holdOf(await tasks().pay('over-http'));
  const url = house.url(`/v1/holds/${hold}`);
  expect(await (await fetch(url, { headers })).json()).toMatchObject({ hold, state: 'pending', agreed: 0, missing: 1, next: expect.stringContaining(`To wait, \`GET /v1/holds/${hold}/wait?seconds=N\` (N at most 55), as often as needed`) as string });
  for (const seconds of ['0', '56', '1e1', '-1', '']) expect((await fetch(`${url}/wait?seconds=${seconds}`, { headers })).status, seconds).toBe(400);
  const waiting = fetch(`${url}/wait?seconds=50`, { headers }).then(async (response) => ({ body: (await response.json()) as unknown, at: performance.now() }));
  await waitFor(() => (house.governor.port.waiting.waits === 1 ? true : undefined));
  await house.answer(hold);
  const answeredAt = performance.now();
  const { body, at } = await waiting;
  expect(body).toMatchObject({ state: 'approved', agreed: 1, missing: 0 });
  expect(at - answeredAt).toBeLessThan(3_000);
  expect(await (await fetch(url, { method: 'DELETE', headers })).json()).toMatchObject({ state: 'cancelled' });
  expect((await tasks().get(`flyball-hold-${hold}`))['status']).toBe('cancelled');
  expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(409);
  expect((await fetch(url, { method: 'PUT', headers })).status).toBe(405);
  expect((await fetch(url)).status).toBe(401);
  expect(paid('over-http')).toBe(0);
});

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

test.skipIf(postgres === undefined)('abuse 30: two nodes poll for one task at once: one effect, and both say what happened', async () => {
  const url = (await postgres?.database()) ?? '';
  const one = await WaitingHouse.open(bank.url, { env: { FLYBALL_DATABASE_URL: url } });
  const two = await WaitingHouse.open(bank.url, { env: { FLYBALL_DATABASE_URL: url }, directory: one.directory });
  const bearer = await one.token('tester');
  const clients = [one, two].map((node) => new TasksClient(node.url(), bearer));
  for (let round = 0; round < 10; round++) {
    const to = `two-nodes-${round}`;
    const task = (await clients[round % 2]?.pay(to)) ?? {};
    await one.answer(holdOf(task));
    const polls = await Promise.all(Array.from({ length: 20 }, async (_, index) => clients[index % 2]?.get(task['taskId'])));
    expect(paid(to)).toBe(1);
    expect(polls.filter((each) => text(each?.['result']) === `paid ${to}`).length).toBeGreaterThan(0);
    expect(new Set(polls.map((each) => each?.['status']))).toSatisfy((states: Set<string>) => [...states].every((state) => state === 'completed' || state === 'working'));
    expect(await waitFor(async () => ((await clients[1]?.get(task['taskId']))?.['status'] === 'completed' ? true : undefined), 5_000)).toBe(true);
  }
  await Promise.all([one.close(), two.close()]);
});
