import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, answer, type Approval, arapBundle, type Asked, Pep, report, resigned, shown, waiting } from './support/arap-kit.js';
import { root, type RunningGovernor, startGovernor, waitFor } from './support/governor.js';

const suiteMs = 400_000;
const urn = 'urn:openid:authzen:access-request:error:';
const files = arapBundle();
const config = 'resource: https://pdp.flyball.example/mcp\naccess_requests: { denial_seconds: 60 }\n';

let governor: RunningGovernor;
let pep: Pep;
let stranger: Pep;
beforeAll(async () => {
  governor = await startGovernor({ files, config });
  pep = new Pep(governor, await governor.token('pep'));
  stranger = new Pep(governor, await governor.token('stranger'));
});
afterAll(() => governor.remove());

let made = 0;
const fresh = (context?: Readonly<Record<string, unknown>>) => report(`r-${made++}-${randomUUID().slice(0, 8)}`, context);
const isProblem = ({ status, type, json }: Answer, name: string, wanted: number) => expect([status, type, json.type]).toEqual([wanted, 'application/problem+json', urn + name]);

describe('conformance', () => {
  interface Row {
    readonly id: string;
    readonly what: string;
    readonly verdict: string;
    readonly why: string;
  }
  const rowsOf = async (script: string): Promise<readonly Row[]> => {
    const run = promisify(execFile)(process.execPath, [join(root, script), '--json'], { timeout: suiteMs, maxBuffer: 16 << 20 });
    const { stdout } = await run.catch((error: unknown) => error as { readonly stdout: string });
    return JSON.parse(stdout) as readonly Row[];
  };
  const worded = (rows: readonly Row[], verdict: string) => rows.filter((row) => row.verdict === verdict).map(({ id, what, why }) => `${id} ${what}: ${why}`);

  test('law: every rule of the profile that binds a decision point and an access request service holds; all of it is offered, also what is optional', async () => {
    const rows = await rowsOf('test/conformance/arap.mjs');
    expect([...worded(rows, 'fail'), ...worded(rows, 'open'), ...worded(rows, 'n/a')]).toEqual([]);
    expect(rows).toHaveLength(128);
  }, suiteMs);

  test('law: each of those checks has been seen to fail', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'test/arap/see-fail.mjs')], { timeout: suiteMs, maxBuffer: 16 << 20 });
    expect(stdout).toContain(' 0 not noticed');
  }, suiteMs);

  test('law: every rule of COAZ and its MCP binding holds, apart from the one that is decided otherwise', async () => {
    const rows = await rowsOf('test/conformance/coaz.mjs');
    expect(worded(rows, 'fail')).toEqual([]);
    expect(rows.filter(({ verdict }) => verdict !== 'pass').map(({ id, verdict }) => `${id} ${verdict}`)).toEqual(['M7 differs', 'M16 open']);
    expect(rows).toHaveLength(48);
  }, suiteMs);
});

describe('what a denial binds', () => {
  test('abuse 30: a binding token that was submitted is not good for another task, under whatever key', async () => {
    const body = await pep.denied(fresh());
    const first = await pep.submit(body, 'first');
    expect(first.status).toBe(202);
    isProblem(await pep.submit(body, 'second'), 'invalid_denial_binding', 400);
    isProblem(await pep.submit(body), 'invalid_denial_binding', 400);
    expect((await pep.submit(body, 'first')).json.task?.id).toBe(first.json.task?.id);
  });

  test('attack: one denial, submitted by its token and by its id, is one task', async () => {
    const body = await pep.denied(fresh());
    const { binding_token: token, ...byId } = body['denial'] as Record<string, string>;
    expect((await pep.submit({ ...body, denial: byId })).status).toBe(202);
    isProblem(await pep.submit({ ...body, denial: { binding_token: token, expires_at: byId['expires_at'] } }), 'invalid_denial_binding', 400);
  });

  test.each<[string, Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>]>([
    ['another service', { aud: 'https://pdp.flyball.example/access/v1/other' }, {}],
    ['the decision point, as approvals are', { aud: 'https://pdp.flyball.example' }, {}],
    ['no service', { aud: undefined }, {}],
    ['this one, by another issuer', { iss: 'https://another.example' }, {}],
    ['this one, as a token of another kind', {}, { typ: 'flyball-approval+jwt' }],
    ['this one, as an access token', {}, { typ: 'JWT' }],
    ['this one, and another caller', { client_id: 'stranger' }, {}],
  ])('attack: a token that the right key signed for %s', async (_name, change, header) => {
    const body = await pep.denied(fresh());
    const denial = body['denial'] as Record<string, string>;
    const token = await resigned(governor, denial['binding_token'] ?? '', change, header);
    isProblem(await pep.submit({ ...body, denial: { ...denial, binding_token: token } }), 'invalid_denial_binding', 400);
  });

  test('attack: a bundle with one item that was never denied opens no question at all', async () => {
    const [one, two] = [fresh(), fresh()];
    const subject = one.subject;
    const bodies = [await pep.denied({ ...one, subject }), await pep.denied({ ...two, subject })];
    const items = bodies.map((body) => ({ resource: body['resource'], action: body['action'], denial: body['denial'] }));
    const odd = { ...items[1], resource: { type: 'report', id: 'r-never-denied' } };
    isProblem(await pep.submit({ subject, items: [items[0], odd] }), 'invalid_denial_binding', 400);
    isProblem(await pep.submit({ subject, items: [items[0], items[0]] }), 'invalid_denial_binding', 400);
    expect((await waiting(governor)).has(one.resource.id)).toBe(false);
    expect((await pep.submit({ subject, items })).json.task?.items).toHaveLength(2);
  });

  test('attack: a key that was used with one submission does not bring another to its task', async () => {
    const [one, two] = [await pep.denied(fresh()), await pep.denied(fresh())];
    expect((await pep.submit(one, 'a key')).status).toBe(202);
    isProblem(await pep.submit(two, 'a key'), 'duplicate_request', 409);
    expect((await stranger.submit(await stranger.denied(fresh()), 'a key')).status).toBe(202);
  });

  test('attack: the same submission twenty times at once, with one key, is one task and one question', async () => {
    const asked = fresh();
    const body = await pep.denied(asked);
    const answers = await Promise.all(Array.from({ length: 20 }, () => pep.submit(body, `together-${asked.resource.id}`)));
    expect(new Set(answers.map(({ json }) => json.task?.id)).size).toBe(1);
    const another = await pep.denied(fresh());
    const alone = await Promise.all(Array.from({ length: 20 }, () => pep.submit(another)));
    expect(alone.filter(({ status }) => status === 202)).toHaveLength(1);
  });
});

describe('what comes in', () => {
  test('attack: ten megabytes, a thousand levels, members twice, and what is no object', async () => {
    const body = await pep.denied(fresh());
    expect((await pep.submit({ ...body, context: { filler: 'x'.repeat(10 << 20) } })).status).toBe(413);
    expect((await pep.submit(`${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`)).status).toBe(400);
    expect((await pep.submit(`{"subject":{},"subject":{}}`)).status).toBe(400);
    for (const odd of ['[]', 'null', '1', '"x"', '{', '']) expect((await pep.submit(odd)).status, odd).toBe(400);
    expect((await pep.submit({ ...body, items: Array.from({ length: 51 }, () => ({})) })).status).toBe(400);
    expect((await pep.submit(body)).status).toBe(202);
  });

  test.each(['https://169.254.169.254/latest/meta-data', 'https://localhost/x', 'https://127.0.0.1:1/x', 'https://[::1]/x', 'http://pep.example/x', 'https://pep.example/x'])('attack: a callback to %s is not registered, and nothing is asked', async (endpoint) => {
    const asked = fresh();
    expect((await pep.submit({ ...(await pep.denied(asked)), callback: { endpoint } })).status).toBe(403);
    expect((await waiting(governor)).has(asked.resource.id)).toBe(false);
  });
});

describe('a task', () => {
  test('abuse 57: five hundred guesses, and a stranger who knows the id, are told the same nothing', async () => {
    const { id } = await pep.open(fresh());
    const unknown = await pep.task('0'.repeat(32));
    isProblem(unknown, 'unknown_task', 404);
    const guesses = await Promise.all(Array.from({ length: 500 }, () => stranger.task(randomUUID().replaceAll('-', ''))));
    const own = [await stranger.task(id), await stranger.cancel(id), ...guesses];
    for (const { status, json } of own) expect([status, json]).toEqual([unknown.status, unknown.json]);
    expect((await pep.task(id)).json.task?.status).toBe('pending');
  });

  test('attack: the id of a question, of an evaluation or of an entry is no task, and no approval', async () => {
    const asked = fresh();
    const { context } = await pep.evaluate(asked);
    const { id } = await pep.open(asked);
    const hold = (await waiting(governor)).get(asked.resource.id) ?? '';
    for (const known of [hold, context.evaluation_id]) isProblem(await pep.task(known), 'unknown_task', 404);
    for (const known of [hold, context.evaluation_id, id]) expect((await pep.again(asked, { id: known })).decision).toBe(false);
  });

  test('story: whoever is asked sees the resource, the context that decides and for whom it is', async () => {
    const asked = fresh({ amount: 100, time: 'now' });
    await pep.open(asked);
    const hold = (await waiting(governor)).get(asked.resource.id) ?? '';
    const text = await shown(governor, hold);
    for (const word of [asked.resource.id, '100', `user:reader-of-${asked.resource.id}`]) expect(text).toContain(word);
  });
});

describe('an approval', () => {
  const denied = async (asked: Asked, approval: unknown, reason: string, by = pep) => {
    const told = await by.again(asked, approval);
    expect([told.decision, told.context.reason]).toEqual([false, reason]);
    return told.context.next_action;
  };

  test('abuse 29: an approval for 100 does not pass 1,000, nor the same without an amount', async () => {
    const asked = fresh({ amount: 100 });
    const approval = await pep.approval(asked);
    expect(await denied({ ...asked, context: { amount: 1_000 } }, approval, 'out_of_scope')).toBe('request');
    expect(await denied({ ...asked, context: {} }, approval, 'out_of_scope')).toBe('request');
    expect(await denied({ ...asked, resource: { ...asked.resource, id: 'r-another' } }, approval, 'out_of_scope')).toBe('request');
    expect((await pep.again(asked, approval)).decision).toBe(true);
  });

  test('attack: an approval of another enforcement point is none', async () => {
    const asked = fresh();
    const approval = await pep.approval(asked);
    expect(await denied(asked, approval, 'approval_unverifiable', stranger)).toBe('none');
    expect((await pep.again(asked, approval)).decision).toBe(true);
  });

  test('attack: another\'s approval passes nothing, though people agreed to this very request too', async () => {
    const [one, two] = [fresh(), fresh()];
    const [mine, other] = [await pep.approval(one), await pep.approval(two)];
    await denied(one, { ...mine, state: other.state }, 'approval_unverifiable');
    await denied(one, { ...other, state: mine.state }, 'approval_unverifiable');
    await denied(one, other, 'out_of_scope');
    expect((await pep.again(one, { id: mine.id })).decision).toBe(true);
  });

  test('abuse 30: used once, and then it is over', async () => {
    const asked = fresh();
    const approval = await pep.approval(asked);
    const told = await pep.again(asked, approval);
    expect([told.decision, (told.context['approval'] as Approval).id]).toEqual([true, approval.id]);
    expect(await denied(asked, approval, 'approval_expired')).toBe('request');
  });

  test('attack: a thousand uses at once, and one of them passes', async () => {
    const asked = fresh();
    const approval = await pep.approval(asked);
    const decisions: boolean[] = [];
    for (let round = 0; round < 10; round++) decisions.push(...(await Promise.all(Array.from({ length: 100 }, async () => (await pep.again(asked, approval)).decision))));
    expect(decisions.filter(Boolean)).toHaveLength(1);
    expect(decisions).toHaveLength(1_000);
  });

  test('abuse 36: after its end it passes nothing, whatever end it is shown with', async () => {
    const asked: Asked = { ...fresh(), resource: { type: 'brief', id: `r-brief-${randomUUID().slice(0, 8)}` } };
    const approval = await pep.approval(asked);
    await new Promise((done) => setTimeout(done, Math.max(0, Date.parse(approval.approved_until) - Date.now()) + 1_100));
    for (const until of [approval.approved_until, '2099-01-01T00:00:00Z']) await denied(asked, { ...approval, approved_until: until }, 'approval_expired');
  });

  test('attack: taken back, it passes nothing; the task stays what it was', async () => {
    const asked = fresh();
    const { id } = await pep.open(asked);
    await answer(governor, asked, 'approve');
    const approval = await waitFor(async () => (await pep.task(id)).json.result?.approval, 20_000);
    await answer(governor, asked, 'cancel');
    expect(await denied(asked, approval, 'approval_expired')).toBe('request');
    expect((await pep.task(id)).json.task?.status).toBe('approved');
  });

  test('attack: a state that the right key signed for another decision point, or as something else', async () => {
    const asked = fresh();
    const approval = await pep.approval(asked);
    const forged = [await resigned(governor, approval.state, { aud: 'https://another.example' }), await resigned(governor, approval.state, {}, { typ: 'flyball-denial+jwt' }), await resigned(governor, approval.state, { approval_id: randomUUID() }), pep.token];
    for (const state of forged) await denied(asked, { ...approval, state }, 'approval_unverifiable');
  });
});

test('story: killed while one task waits, one is agreed to and one is used, and everything stands as it was', async () => {
  const [pending, agreed, used] = [fresh(), fresh(), fresh()];
  const body = await pep.denied(pending);
  const task = (await pep.submit(body, 'before')).json.task?.id ?? '';
  const [approval, spent] = [await pep.approval(agreed), await pep.approval(used)];
  expect((await pep.again(used, spent)).decision).toBe(true);
  await governor.kill('SIGKILL');
  governor = await startGovernor({ directory: governor.directory });
  pep = new Pep(governor, pep.token);
  stranger = new Pep(governor, stranger.token);
  expect((await pep.submit(body, 'before')).json.task?.id).toBe(task);
  expect((await pep.again(used, spent)).decision).toBe(false);
  expect((await pep.again(agreed, approval)).decision).toBe(true);
  await answer(governor, pending, 'approve');
  expect((await pep.again(pending, await waitFor(async () => (await pep.task(task)).json.result?.approval, 20_000))).decision).toBe(true);
});
