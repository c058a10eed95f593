import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer, Asked } from './support/arap-kit.js';
import { type RunningGovernor, startGovernor, waitFor } from './support/governor.js';
import { accessOf, answerAs, archive, changed, grantsConfig, grantsFiles, grantsOf, GrantPep, questionOf, questionsOf, requestFor } from './support/grants-house.js';

const urn = 'urn:openid:authzen:access-request:error:';
const offered = ['hasty', 'quick', 'short', 'watched'];
const looksMost = 120;

let governor: RunningGovernor;
let pep: GrantPep;
let other: GrantPep;
let gate: GrantPep;
const pepOf = async (running: RunningGovernor, identity: string) => new GrantPep(running, await running.token(identity));
beforeAll(async () => {
  governor = await startGovernor({ files: grantsFiles, config: grantsConfig() });
  [pep, other, gate] = [await pepOf(governor, 'pep'), await pepOf(governor, 'other'), await pepOf(governor, 'gate')];
});
afterAll(() => governor.remove());

let used = 0;
const robot = () => `robot-${used++}`;
const isProblem = ({ status, json }: Pick<Answer, 'status' | 'json'>, name: string, wanted: number) => expect([status, json.type]).toEqual([wanted, urn + name]);

describe('who is told that a grant could lift a denial', () => {
  const plain = async (by: GrantPep, asked: Asked) => {
    const { decision, context } = await by.evaluate(asked);
    expect([decision, Object.keys(context).sort(), context.reason]).toEqual([false, ['evaluation_id', 'reason'], 'denied']);
    return context.evaluation_id;
  };

  test('law: nobody whom the configuration does not name, and nobody whom policy does not let ask', async () => {
    const denied = await plain(gate, archive(robot()));
    await plain(other, archive(robot()));
    for (const by of [gate, pep]) expect((await by.catalogs(denied)).status).toBe(404);
    isProblem(await gate.submit({ ...archive('robot-0'), denial: { evaluation_id: denied, expires_at: '2099-01-01T00:00:00Z' } }), 'not_requestable', 400);
  });

  test.each<[string, Asked]>([
    ['a person', { ...archive('robot-0'), subject: { type: 'user', id: 'ann' } }],
    ['somebody of the name of an identity', { ...archive('robot-0'), subject: { type: 'user', id: 'robot-0' } }],
    ['an identity that nobody registered', archive('nobody')],
    ['one that is suspended', archive('sleeper')],
    ['what is forbidden, whatever is held', archive('robot-0', 'vault')],
    ['what opens only with a grant that policy lets nobody ask for', archive('robot-0', 'cellar')],
  ])('law: not where it is about %s', async (_name, asked) => {
    await plain(pep, asked);
  });

  test('law: a denial is the same to everybody else as before: no schema and no catalogue of it is anywhere', async () => {
    const id = await plain(pep, archive('robot-0', 'cellar'));
    for (const where of [await pep.catalogs(id), await pep.look(id)]) expect([where.status, where.json['title']]).toEqual([404, 'no such catalogue']);
  });
});

describe('the catalogue', () => {
  test('story: it names its field and its endpoint, and has what may be asked for, in one order', async () => {
    const { evaluation, hint } = await pep.lacking(robot());
    const { status, json } = await pep.catalogs(evaluation);
    expect([status, json]).toEqual([200, { fields: { '/requested_access/urn:flyball:grant': { endpoint: `${hint.request_catalogs_url}/grants`, search_param: 'q' } } }]);
    const { items, total, next_cursor: next } = await pep.page(evaluation);
    expect([items.map(({ value }) => value), total, next]).toEqual([offered, 4, undefined]);
    expect(items[1]).toEqual({ value: 'quick', label: 'quick', description: 'Reads archives at once', owner: 'dba' });
    // `short` is a person's own, and who that is concerns nobody here.
    expect(items[2]).toEqual({ value: 'short', label: 'short', description: 'Reads archives for ten minutes at most' });
    const schema = await pep.get(new URL(hint.request_schema_url).pathname);
    expect(Object.keys((schema.json['properties'] as { readonly requested_access: { readonly properties: object } }).requested_access.properties)).toEqual(['urn:flyball:grant', 'urn:flyball:minutes', 'requested_until', 'urn:flyball:rollback', 'emergency']);
  });

  test('law: pages add up to the whole, whatever their size; what is not known is ignored', async () => {
    const { evaluation } = await pep.lacking(robot());
    for (const limit of ['1', '3', '100000', '0', '-1', 'many', '']) {
      const seen: string[] = [];
      for (let cursor: string | undefined = '', page = 0; cursor !== undefined && page < 9; page++) {
        const { items, next_cursor: next } = await pep.page(evaluation, { limit, cursor, 'vendor.example.com/unknown': 'x' });
        seen.push(...items.map(({ value }) => value));
        cursor = next;
      }
      expect(seen, limit).toEqual(offered);
    }
    const found = async (q: string) => (await pep.page(evaluation, { q })).items.map(({ value }) => value);
    expect([await found('AGREES'), await found('quick'), await found('never'), await found('shelves')]).toEqual([['hasty', 'watched'], ['quick'], [], []]);
    expect((await pep.look(evaluation, { q: 'x'.repeat(201) })).status).toBe(400);
  });

  test('attack: another enforcement point is told what it would be told of a denial that never was', async () => {
    const { evaluation } = await pep.lacking(robot());
    const never = [await other.look('01a2041b-d3aa-7ffa-8e26-db7805dc768f'), await other.look('nonsense'), await other.catalogs('01a2041b-d3aa-7ffa-8e26-db7805dc768f')];
    for (const { status, json } of [await other.look(evaluation), await gate.look(evaluation), await other.catalogs(evaluation), ...never]) expect([status, json['title'], json['items']]).toEqual([404, 'no such catalogue', undefined]);
    expect((await pep.get(`/access/v1/request-catalogs/${evaluation}/people`)).status).toBe(404);
    expect((await pep.post(`/access/v1/request-catalogs/${evaluation}/grants`, {})).status).toBe(405);
    expect((await new GrantPep(governor, 'nonsense').look(evaluation)).status).toBe(401);
  });

  test('attack: a cursor of another denial, of another search, or made up', async () => {
    const [one, two] = [await pep.lacking(robot()), await pep.lacking(robot())];
    const { next_cursor: cursor = '' } = await pep.page(one.evaluation, { limit: '1' });
    const made = Buffer.from(JSON.stringify({ after: 'a', of: 'x' })).toString('base64url');
    const tries = [await pep.look(two.evaluation, { cursor }), await pep.look(one.evaluation, { cursor, q: 'archives' }), await pep.look(one.evaluation, { cursor: made }), await pep.look(one.evaluation, { cursor: `${cursor}AA` }), await pep.look(one.evaluation, { cursor: 'x'.repeat(5_000) })];
    expect(tries.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
    expect((await pep.page(one.evaluation, { cursor, limit: '2' })).items.map(({ value }) => value)).toEqual(['quick', 'short']);
  });

  test('law: it says what is so now: what is held, what another policy opens, what became of the denial', async () => {
    const name = robot();
    const [held, submitted] = [await pep.lacking(name), await pep.lacking(name)];
    expect((await requestFor(governor, 'olga', name, 'shelf')).status).toBe(201);
    expect(await pep.values(held.evaluation)).toEqual(offered);
    await pep.wanted(submitted, 'watched');
    isProblem(await pep.look(submitted.evaluation), 'expired_denial', 410);
    expect((await requestFor(governor, 'olga', name, 'quick')).status).toBe(201);
    // It would be permitted by now, so nothing is needed for it.
    expect(await pep.page(held.evaluation)).toEqual({ items: [], total: 0 });
    isProblem(await pep.ask(held, 'short', { minutes: 5 }), 'not_requestable', 400);
  });
});

describe('what is submitted', () => {
  test('attack: what the catalogue does not have, and what its schema does not allow: nothing is opened, and the denial is good still', async () => {
    const name = robot();
    const denied = await pep.lacking(name);
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const faults: readonly (readonly [grant: unknown, more: Record<string, unknown>, word: string])[] = [
      ['never', { minutes: 5 }, 'request_catalogs_url'],
      ['shelf', { minutes: 5 }, 'request_catalogs_url'],
      ['nonsense', { minutes: 5 }, 'request_catalogs_url'],
      [undefined, { minutes: 5 }, 'request_schema_url'],
      [['quick'], { minutes: 5 }, 'request_schema_url'],
      ['quick', {}, 'request_schema_url'],
      ['quick', { minutes: 0 }, 'request_schema_url'],
      ['quick', { minutes: 481 }, 'request_schema_url'],
      ['short', { minutes: 11 }, 'at most 10 minutes'],
      ['quick', { requested_until: 'tomorrow' }, 'requested_until'],
      ['quick', { requested_until: '2020-01-01T00:00:00Z' }, 'in the future'],
    ];
    for (const [grant, more, word] of faults) {
      const { status, json } = await pep.ask(denied, grant, more);
      expect([status, json.type, String(json['title']).includes(word)], `${String(grant)} ${JSON.stringify(more)}: ${String(json['title'])}`).toEqual([400, 'about:blank', true]);
    }
    const { context: _context, ...unexplained } = denied.body;
    expect((await pep.submit({ ...unexplained, requested_access: accessOf({ grant: 'quick', minutes: 5 }) })).status).toBe(400);
    // Policy lets it be asked for, but not for so long.
    isProblem(await pep.ask(denied, 'quick', { minutes: 241 }), 'not_requestable', 400);
    expect([await grantsOf(governor, name), await questionsOf(governor, name)]).toEqual([[], []]);
    expect((await pep.ask(denied, 'quick', { requested_until: later })).status).toBe(201);
  });

  test('attack: another enforcement point, another subject, another resource', async () => {
    const [name, another] = [robot(), robot()];
    const denied = await pep.lacking(name);
    isProblem(await other.ask(denied, 'quick'), 'invalid_denial_binding', 400);
    isProblem(await gate.ask(denied, 'quick'), 'invalid_denial_binding', 400);
    isProblem(await pep.ask({ body: { ...denied.body, subject: { type: 'identity', id: another } } }, 'quick'), 'invalid_denial_binding', 400);
    isProblem(await pep.ask({ body: { ...denied.body, resource: archive(name).resource } }, 'quick'), 'invalid_denial_binding', 400);
    const { binding_token: _token, ...byId } = denied.body['denial'] as Record<string, string>;
    expect((await pep.ask({ body: { ...denied.body, denial: byId } }, 'quick')).status).toBe(201);
    isProblem(await pep.ask(denied, 'quick'), 'invalid_denial_binding', 400);
    for (const each of [name, another]) expect(await grantsOf(governor, each)).toHaveLength(each === name ? 1 : 0);
  });

  test('attack: a grant that was retired since it was shown, one that policy opens to nobody since, and a denial that is another by now', async () => {
    const denied = await pep.lacking(robot());
    expect(await pep.values(denied.evaluation)).toEqual(offered);
    const policies = 'bundle/policies/reading.cedar';
    const watching = 'bundle/policies/watching.cedar';
    await changed(governor, policies, (text) => text.replace('"short", "hasty"', '"short"'), async () => {
      await changed(governor, 'bundle/catalogue.yaml', (text) => text.replace(/ {2}hasty:.*\n/, ''), async () => {
        expect(await pep.values(denied.evaluation)).toEqual(['quick', 'short', 'watched']);
        expect((await pep.ask(denied, 'hasty')).status).toBe(400);
      });
    });
    await changed(governor, watching, (text) => `${text}@id("closed") forbid (principal, action == Action::"access.request", resource) when { resource.name == "quick" };\n`, async () => {
      expect(await pep.values(denied.evaluation)).toEqual(['hasty', 'short', 'watched']);
      expect((await pep.ask(denied, 'quick')).status).toBe(400);
    });
    for (const change of ['permit (principal, action == Action::"can_read", resource is archive);', 'forbid (principal, action == Action::"can_read", resource is archive);'])
      await changed(governor, watching, (text) => `${text}@id("changed") ${change}\n`, async () => {
        expect((await pep.page(denied.evaluation)).items).toEqual([]);
        isProblem(await pep.ask(denied, 'quick'), 'not_requestable', 400);
      });
    expect((await pep.ask(denied, 'quick')).status).toBe(201);
  });

  test('attack: the same justification in two submissions at once is one question, and both tasks end with it', async () => {
    const name = robot();
    const denials = [await pep.lacking(name), await pep.lacking(name), await pep.lacking(name)];
    const tasks = await Promise.all(denials.map((denied) => pep.wanted(denied, 'watched')));
    await answerAs(governor, 'ben', await questionOf(governor, name));
    for (const { id } of tasks) expect((await pep.ended(id)).task.status).toBe('approved');
    expect(await grantsOf(governor, name)).toHaveLength(1);
  });
});

test('attack: a denial that is too old is neither looked up nor submitted', async () => {
  const brief = await startGovernor({ files: grantsFiles, config: grantsConfig({ denialSeconds: 1 }) });
  try {
    const point = await pepOf(brief, 'pep');
    const denied = await point.lacking('robot-0');
    const late = await waitFor(async () => {
      const told = await point.look(denied.evaluation);
      return told.status === 200 ? undefined : told;
    }, 20_000);
    isProblem(late, 'expired_denial', 410);
    isProblem(await point.catalogs(denied.evaluation), 'expired_denial', 410);
    isProblem(await point.ask(denied, 'quick'), 'expired_denial', 410);
    expect(await grantsOf(brief, 'robot-0')).toEqual([]);
  } finally {
    await brief.remove();
  }
});

test('attack: nobody looks without end', async () => {
  const { evaluation } = await pep.lacking(robot());
  // A minute may begin in between.
  const answers = await Promise.all(Array.from({ length: looksMost * 2 + 1 }, () => pep.look(evaluation)));
  const limited = answers.filter(({ status }) => status === 429).length;
  expect(limited).toBeGreaterThan(0);
  expect(answers.filter(({ status }) => status === 200).length + limited).toBe(answers.length);
});
