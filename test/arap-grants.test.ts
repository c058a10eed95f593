import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type Asked, resigned } from './support/arap-kit.js';
import { bodyOf } from './support/channel-receivers.js';
import { readRecord } from './support/exported-record.js';
import { command, type RunningGovernor, startGovernor, waitFor } from './support/governor.js';
import { accessOf, answerAs, archive, changed, type Denied, grantsConfig, grantsFiles, grantsOf, GrantPep, questionOf, questionsOf, requestFor } from './support/grants-house.js';
import { localServer, type LocalServer } from './support/identity-kit.js';

const urn = 'urn:openid:authzen:access-request:error:';
const grantsMost = 100;

const env = { CALLBACK_SECRET: 'a secret of both sides' };

let governor: RunningGovernor;
let pep: GrantPep;
let other: GrantPep;
let receiver: LocalServer;
/** Tasks whose end the enforcement point was told. */
const heard: { readonly id: string; readonly status: string }[] = [];
beforeAll(async () => {
  receiver = await localServer((request, response) => {
    void bodyOf(request).then((body) => {
      heard.push((JSON.parse(body.toString()) as { readonly task: (typeof heard)[number] }).task);
      response.writeHead(204).end();
    });
  });
  const callbacks = `[{ url: "${receiver.url}/told", identities: [pep], secret_from_env: CALLBACK_SECRET, allow_private_address: true }]`;
  governor = await startGovernor({ files: grantsFiles, config: grantsConfig({ callbacks }), env });
  const of = async (identity: string) => new GrantPep(governor, await governor.token(identity));
  [pep, other] = [await of('pep'), await of('other')];
});
afterAll(async () => {
  await governor.remove();
  await receiver.close();
});

let used = 0;
/** A robot of the test's own: what it holds opens everything of its kind. */
const robot = () => `robot-${used++}`;
const isProblem = ({ status, type, json }: Answer, name: string, wanted: number) => expect([status, type, json.type]).toEqual([wanted, 'application/problem+json', urn + name]);

describe('story: what a grant could lift is asked for', () => {
  test('granted at once: the task is approved, and the evaluation passes as long as the grant lasts', async () => {
    const denied = await pep.lacking(robot());
    expect([denied.hint.template, denied.hint.request_catalogs_url.startsWith('https://pdp.flyball.example/access/v1/')]).toEqual(['grant', true]);
    expect(JSON.stringify(await pep.evaluate(denied.asked))).not.toMatch(/quick|watched|never/);
    const { status, json } = await pep.ask(denied, 'quick');
    expect([status, json.task?.status]).toEqual([201, 'approved']);
    const [grant] = await grantsOf(governor, String(denied.asked.subject['id']));
    const approval = json.result?.approval;
    if (!approval) throw new Error('no approval');
    expect(Date.parse(grant?.until ?? '') - Date.parse(approval.approved_until)).toBeLessThan(1_000);
    for (let round = 0; round < 2; round++) {
      const told = await pep.again(denied.asked, approval);
      expect([told.decision, told.context['approval']]).toEqual([true, { id: approval.id, approved_until: approval.approved_until }]);
    }
    expect((await pep.evaluate(archive(String(denied.asked.subject['id'])))).decision).toBe(true);
  });

  test('a person agrees: pending until the grant is open; they see through whom it was asked', async () => {
    const denied = await pep.lacking(robot());
    const name = String(denied.asked.subject['id']);
    const { status, json } = await pep.ask(denied, 'watched', { minutes: 30, rollback: 'stop reading' });
    expect([status, json.task?.status]).toEqual([202, 'pending']);
    const hold = await questionOf(governor, name);
    const shown = JSON.stringify((await governor.ask('ben', 'GET', `/v1/questions/${hold}`)).value);
    for (const word of ['enforcement_point', 'pep', 'quarter end', 'stop reading', 'watched']) expect(shown).toContain(word);
    expect((await answerAs(governor, 'pia', hold)).status).toBe(403);
    expect((await answerAs(governor, 'ben', hold)).status).toBe(200);
    const { task, result } = await pep.ended(json.task?.id ?? '');
    const [grant] = await grantsOf(governor, name);
    expect([task.status, grant?.grant, (await pep.again(denied.asked, result?.approval)).decision]).toEqual(['approved', 'watched', true]);
  });

  test('a person refuses: the task is denied, and exactly the same cannot be asked for again', async () => {
    const name = robot();
    const denied = await pep.lacking(name);
    const { id } = await pep.wanted(denied, 'watched');
    await answerAs(governor, 'ben', await questionOf(governor, name), false);
    expect((await pep.ended(id)).task.status).toBe('denied');
    isProblem(await pep.ask(await pep.lacking(name), 'watched'), 'not_requestable', 400);
    expect([(await grantsOf(governor, name)).length, (await pep.evaluate(denied.asked)).decision]).toEqual([0, false]);
  });

  test('nobody answers in time: the task expires', async () => {
    const { id } = await pep.wanted(await pep.lacking(robot()), 'hasty');
    expect((await pep.ended(id)).task.status).toBe('expired');
  });

  test('the enforcement point is told of the end, though it never looks', async () => {
    const [open, waiting, brief] = [robot(), robot(), robot()];
    const callback = { endpoint: `${receiver.url}/told` };
    const ids: string[] = [];
    for (const [name, grant] of [[open, 'quick'], [waiting, 'watched'], [brief, 'hasty']] as const) ids.push((await pep.ask({ body: { ...(await pep.lacking(name)).body, callback } }, grant)).json.task?.id ?? '');
    await answerAs(governor, 'ben', await questionOf(governor, waiting));
    await waitFor(() => (ids.every((id) => heard.some((task) => task.id === id)) ? true : undefined), 20_000);
    expect(ids.map((id) => heard.filter((task) => task.id === id).map(({ status }) => status))).toEqual([['approved'], ['approved'], ['expired']]);
  });

  test('taken back: the question is gone; what is granted already is not taken back so', async () => {
    const [waiting, done] = [robot(), robot()];
    const { id } = await pep.wanted(await pep.lacking(waiting), 'watched');
    const cancelled = await pep.cancel(id);
    expect([cancelled.status, cancelled.json.task?.status, await questionsOf(governor, waiting)]).toEqual([200, 'cancelled', []]);
    const { id: granted } = await pep.wanted(await pep.lacking(done), 'quick');
    isProblem(await pep.cancel(granted), 'invalid_task_state', 409);
    expect(await grantsOf(governor, done)).toHaveLength(1);
  });

  test('a bundle of what people and what a grant can lift: each item by itself', async () => {
    const name = robot();
    const report: Asked = { ...archive(name), resource: { type: 'report', id: `of-${name}` } };
    const subject = report.subject;
    const bodies = [await pep.denied(report), (await pep.lacking(name)).body, (await pep.lacking(name)).body, (await pep.lacking(name, 'shelf')).body, (await pep.lacking(name, 'shelf')).body];
    const wishes = [{}, { grant: 'watched', minutes: 10 }, { grant: 'watched', minutes: 10 }, { grant: 'shelf', minutes: 10 }, { grant: 'shelf', minutes: 10 }];
    const items = bodies.map(({ resource, action, denial }, index) => ({ resource, action, denial, requested_access: accessOf(wishes[index] ?? {}) }));
    const { json } = await pep.submit({ subject, items, context: { business_justification: 'quarter end' } });
    expect(json.task?.items?.map(({ status }) => status)).toEqual(['pending', 'pending', 'pending', 'approved', 'approved']);
    await answerAs(governor, 'ben', await questionOf(governor, name));
    await waitFor(async () => ((await pep.task(json.task?.id ?? '')).json.task?.items?.[2]?.status === 'approved' ? true : undefined), 20_000);
    const { task } = (await pep.cancel(json.task?.id ?? '')).json;
    expect([task?.status, task?.items?.map(({ status }) => status)]).toEqual(['partial', ['cancelled', 'approved', 'approved', 'approved', 'approved']]);
    expect((await grantsOf(governor, name)).map(({ grant }) => grant).sort()).toEqual(['shelf', 'watched']);
  });

  test('it cannot be carried out: the task has failed, and no grant is opened', async () => {
    const name = robot();
    const denied = await pep.lacking(name);
    for (let index = 0; index < grantsMost; index++) expect((await requestFor(governor, 'olga', name, 'shelf')).status).toBe(201);
    const { status, json } = await pep.ask(denied, 'quick');
    expect([status, json.task?.status, json.result]).toEqual([201, 'failed', undefined]);
    expect((await pep.evaluate(denied.asked)).decision).toBe(false);
  });
});

describe('story: policy moves on while people are asked', () => {
  const watching = 'bundle/policies/watching.cedar';
  const asked = async () => {
    const name = robot();
    const { id } = await pep.wanted(await pep.lacking(name), 'watched');
    return { name, id, hold: await questionOf(governor, name) };
  };

  test('the bundle is another: people are asked anew, and the task waits for that', async () => {
    const { name, id, hold } = await asked();
    await changed(governor, watching, (text) => text.replace('somebody has to agree', 'somebody has to agree to it'), async () => {
      await answerAs(governor, 'ben', hold);
      const next = await waitFor(async () => (await questionsOf(governor, name)).find((each) => each !== hold), 20_000);
      expect((await pep.task(id)).json.task?.status).toBe('pending');
      await answerAs(governor, 'ben', next);
      expect((await pep.ended(id)).task.status).toBe('approved');
    });
    expect(await grantsOf(governor, name)).toHaveLength(1);
  });

  test('nobody has to agree any more: the grant is opened, and the task approved', async () => {
    const { name, id, hold } = await asked();
    await changed(governor, watching, () => '', async () => {
      await answerAs(governor, 'ben', hold);
      const { task, result } = await pep.ended(id);
      expect([task.status, (await grantsOf(governor, name)).length, result?.approval.approved_until !== undefined]).toEqual(['approved', 1, true]);
    });
  });

  test('nobody may ask for it any more: the task is denied, whoever agreed', async () => {
    const { name, id, hold } = await asked();
    await changed(governor, watching, (text) => `${text}@id("closed") forbid (principal, action == Action::"access.request", resource) when { resource.name == "watched" };\n`, async () => {
      await answerAs(governor, 'ben', hold);
      expect([(await pep.ended(id)).task.status, await grantsOf(governor, name)]).toEqual(['denied', []]);
    });
  });
});

describe('story: the evaluation that brings an approval', () => {
  const told = async (asked: Asked, approval: unknown) => {
    const { decision, context } = await pep.again(asked, approval);
    return [decision, context.reason, context.next_action, context.access_request !== undefined];
  };

  test('attack: the grant was revoked, or is over: it passes nothing, and can be asked for anew', async () => {
    const [revoked, brief] = [await pep.lacking(robot()), await pep.lacking(robot())];
    const approval = await pep.opened(revoked);
    const [grant] = await grantsOf(governor, String(revoked.asked.subject['id']));
    expect((await governor.ask('olga', 'DELETE', `/v1/grants/${grant?.id ?? ''}`)).status).toBe(200);
    expect(await told(revoked.asked, approval)).toEqual([false, 'approval_expired', 'request', true]);
    const until = new Date(Date.now() + 2_500).toISOString();
    const short = await pep.opened(brief, { requested_until: until });
    expect((await pep.again(brief.asked, short)).decision).toBe(true);
    await waitFor(async () => ((await grantsOf(governor, String(brief.asked.subject['id']))).length === 0 ? true : undefined), 20_000);
    expect(await told(brief.asked, short)).toEqual([false, 'approval_expired', 'request', true]);
    expect(await told(brief.asked, { ...short, approved_until: '2099-01-01T00:00:00Z' })).toEqual([false, 'approval_expired', 'request', true]);
  });

  test('attack: an approval for something else, of somebody else, or made up, permits nothing', async () => {
    const [mine, theirs] = [await pep.lacking(robot()), await pep.lacking(robot())];
    const approval = await pep.opened(mine);
    expect(await told(theirs.asked, approval)).toEqual([false, 'out_of_scope', 'request', true]);
    expect(await told(archive(String(mine.asked.subject['id']), 'shelf'), approval)).toEqual([false, 'out_of_scope', 'request', true]);
    const forged = [{ ...approval, id: mine.evaluation }, { ...approval, state: await resigned(governor, approval.state, { approval_id: mine.evaluation }) }];
    for (const each of forged) expect(await told(mine.asked, each)).toEqual([false, 'approval_unverifiable', 'none', false]);
    for (const each of [approval, { id: approval.id }]) expect((await other.again(mine.asked, each)).context.reason).toBe('approval_unverifiable');
    // Elsewhere the grant opens by itself what it opens, and the approval is not told as the reason.
    const elsewhere = await pep.again(archive(String(mine.asked.subject['id'])), approval);
    expect([elsewhere.decision, elsewhere.context['approval']]).toEqual([true, undefined]);
  });

  test('a grant, and people: the one after the other', async () => {
    const denied = await pep.lacking(robot(), 'safe');
    const grant = await pep.opened(denied);
    const { decision, context } = await pep.again(denied.asked, grant);
    expect([decision, context.reason, context.next_action, (context.access_request as Partial<Denied['hint']> | undefined)?.template]).toEqual([false, 'approval_required', 'request', 'approval']);
    const asks = (approval: unknown) => pep.again(denied.asked, approval);
    for (const brought of ['the grant\'s', 'people\'s']) {
      const { id } = await pep.open(denied.asked);
      const [hold] = ((await governor.ask('operator', 'GET', '/v1/holds')).value as readonly { readonly id: string; readonly action: string }[]).filter(({ action }) => action === 'can_read');
      await answerAs(governor, 'ann', hold?.id ?? '');
      const { result } = await pep.ended(id);
      const approval = brought === 'people\'s' ? result?.approval : grant;
      const told = await asks(approval);
      expect([told.decision, (told.context['approval'] as { readonly id?: string } | undefined)?.id], brought).toEqual([true, approval?.id]);
      expect((await pep.post('/access/v1/outcomes', { evaluation_id: told.context.evaluation_id, outcome: 'succeeded' })).status).toBe(200);
    }
  });

  test('law: policy decides, not the approval: what it forbids by now stays denied', async () => {
    const denied = await pep.lacking(robot());
    const approval = await pep.opened(denied);
    await changed(governor, 'bundle/policies/watching.cedar', (text) => `${text}@id("closed") forbid (principal, action == Action::"can_read", resource is archive);\n`, async () => {
      expect(await told(denied.asked, approval)).toEqual([false, 'policy_denied', 'none', false]);
    });
  });
});

describe('law: one denial leads to one grant', () => {
  test('twice with one key, and twenty times at once without one', async () => {
    const [keyed, alone] = [await pep.lacking(robot()), await pep.lacking(robot())];
    const [first, second] = [await pep.ask(keyed, 'quick', undefined, 'a key'), await pep.ask(keyed, 'quick', undefined, 'a key')];
    expect([second.json.task?.id, second.json.result?.approval.id]).toEqual([first.json.task?.id, first.json.result?.approval.id]);
    isProblem(await pep.ask(keyed, 'short', { minutes: 5 }, 'a key'), 'duplicate_request', 409);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => pep.ask(alone, index % 2 === 0 ? 'quick' : 'short', { minutes: 5 })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const { asked } of [keyed, alone]) expect(await grantsOf(governor, String(asked.subject['id']))).toHaveLength(1);
  });
});

test('story: killed while one waits, one is agreed to and one is open, and everything stands as it was', async () => {
  const [waiting, agreed, open] = [robot(), robot(), await pep.lacking(robot())];
  const [{ id: pending }, { id: late }] = [await pep.wanted(await pep.lacking(waiting), 'watched'), await pep.wanted(await pep.lacking(agreed), 'watched')];
  const approval = await pep.opened(open);
  await answerAs(governor, 'ben', await questionOf(governor, agreed));
  await governor.kill('SIGKILL');
  governor = await startGovernor({ directory: governor.directory, env });
  pep = new GrantPep(governor, pep.token);
  expect((await pep.again(open.asked, approval)).decision).toBe(true);
  expect((await pep.ended(late)).task.status).toBe('approved');
  expect((await pep.task(pending)).json.task?.status).toBe('pending');
  await answerAs(governor, 'ben', await questionOf(governor, waiting));
  expect((await pep.ended(pending)).task.status).toBe('approved');
  await governor.stop();
  const record = await readRecord(governor.directory, env);
  expect(record.faults()).toEqual([]);
  expect((await command(governor.directory, ['verify'], env)).code).toBe(0);
  const asked = record.entries.filter(({ kind, body }) => kind === 'intent' && body['method'] === 'access/request' && body['name'] === 'watched');
  expect(asked.length).toBeGreaterThan(0);
  for (const { body } of asked) expect(body['chain']).toEqual(['pep']);
}, 60_000);
