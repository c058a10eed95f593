import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FactAnswer } from '../packages/server/src/policy/fact-source.js';
import { acme, factsOf, type FactsWish, said, types, vendorServer, type VendorServer } from './support/facts-kit.js';
import { FakeClock, localServer } from './support/identity-kit.js';
import { startPostgres, type TestPostgres } from './support/postgres.js';

let server: VendorServer;
const folder = mkdtempSync(join(tmpdir(), 'flyball-facts-'));
beforeAll(async () => {
  server = await vendorServer();
});
beforeEach(() => {
  server.paths.length = 0;
  server.answer = (response) => void response.end(JSON.stringify(acme));
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const http = (path = '/', more: object = {}) => ({ http: { url: `${server.url}${path}`, allow_private_address: true, ...more } });
const somewhere = { http: { url: 'https://a.example/' } };
const vendor = (sources: readonly object[], more: object = {}) => ({ vendor: { sources, timeout_ms: 1_000, ...more } });
const asWords = (words: Readonly<Record<string, string>>) => (placeholder: string) => words[placeholder];

/** One question, to facts that are closed afterwards. */
async function ask(settings: object, words: Readonly<Record<string, string>> = {}, wish: FactsWish = {}): Promise<ReadonlyMap<string, FactAnswer>> {
  const { facts, close } = factsOf(settings, wish);
  try {
    return await facts.gather(['vendor'], types, asWords(words));
  } finally {
    await close();
  }
}

const shown = { active: true, name: 'Acme', orders: 7, limit: '1200.5000', since: '2026-01-31T10:00:00.000Z' };

describe('who is asked', () => {
  test('story: JSON over HTTP, with a secret of the environment in a header, and pointers to where each attribute is', async () => {
    let authorization: string | undefined;
    const other = await localServer((request, response) => {
      authorization = request.headers.authorization;
      response.end(JSON.stringify({ data: [{ 'a/b': { on: true } }], name: 'Acme', orders: 7, limit: 1200.5, since: '2026-01-31T10:00:00Z' }));
    });
    const settings = vendor([{ http: { url: `${other.url}/`, allow_private_address: true, headers_from_env: { Authorization: 'VENDORS' } } }], { select: { active: '/data/0/a~1b/on' } });
    expect(said(await ask(settings, {}, { env: { VENDORS: 'Bearer hush' } }))).toEqual(shown);
    expect(authorization).toBe('Bearer hush');
    await other.close();
  });

  test('story: a file, JSON or YAML', async () => {
    writeFileSync(join(folder, 'vendor.json'), JSON.stringify(acme));
    writeFileSync(join(folder, 'vendor.yaml'), 'active: true\nname: Acme\norders: 7\nlimit: 1200.5\nsince: 2026-01-31T10:00:00Z\n');
    expect(said(await ask(vendor([{ file: { path: 'vendor.json' } }]), {}, { directory: folder }))).toEqual(shown);
    expect(said(await ask(vendor([{ file: { path: 'vendor.yaml' } }]), {}, { directory: folder }))).toEqual(shown);
  });

  test('story: every answer says who gave it, when, and how long it counts', async () => {
    const answer = (await ask(vendor([{ name: 'register', ...http() }, http('/two')], { fresh_for: '5m' }))).get('vendor');
    expect(answer).toMatchObject({ kind: 'known', sources: [{ source: 'register', fetchedAtMs: 1_750_000_000_000 }, { source: 'http', fetchedAtMs: 1_750_000_000_000 }], freshForMs: 300_000, goodUntilMs: 1_750_000_300_000 });
  });

  test.each<[string, object, RegExp]>([
    ['no source', { vendor: { sources: [] } }, /sources/],
    ['two at once', { vendor: { sources: [{ file: { path: 'a' }, http: { url: 'https://a.example/' } }] } }, /exactly one/],
    ['a placeholder in the host', vendor([{ http: { url: 'https://{args.vendor}/x' } }]), /path and query only/],
    ['a placeholder in the port', vendor([{ http: { url: 'https://a.example:{args.port}/x' } }]), /path and query only/],
    ['a user in the URL', vendor([{ http: { url: 'https://user:pass@a.example/' } }]), /without user/],
    ['a fragment', vendor([{ http: { url: 'https://a.example/#x' } }]), /without user and fragment/],
    ['another scheme', vendor([{ http: { url: 'file:///etc/passwd' } }]), /http or https/],
    ['a path that is rewritten', vendor([{ http: { url: 'https://a.example/x/../y' } }]), /stays as it is written/],
    ['an unknown placeholder', vendor([{ http: { url: 'https://a.example/{session.salt}' } }]), /placeholders such as/],
    ['a brace that does not close', vendor([{ http: { url: 'https://a.example/{args.vendor' } }]), /placeholders such as/],
    ['a variable that is not set', vendor([{ sql: { url_from_env: 'NOBODY', statement: 'select 1' } }]), /NOBODY/],
    ['an unknown zone', vendor([{ calendar: { path: 'x.ics', time_zone: 'Mars/Base' } }]), /time_zone/],
    ['no freshness', vendor([somewhere], { fresh_for: '0s' }), /1s/],
    ['a year of freshness', vendor([somewhere], { fresh_for: '365d' }), /1d/],
  ])('attack: %s is refused when the server starts', (_name, settings, expected) => {
    expect(() => factsOf(settings)).toThrow(expected);
  });
});

describe('what is no answer', () => {
  const missing = async (answer: VendorServer['answer'], more: object = {}) => {
    server.answer = answer;
    return said(await ask(vendor([http()], more)));
  };
  const document = (over: object) => missing((response) => void response.end(JSON.stringify({ ...acme, ...over })));

  test.each<[string, object, RegExp]>([
    ['a text for a boolean', { active: 'true' }, /`active` .* true or false, got another text/],
    ['a number for a boolean', { active: 1 }, /true or false/],
    ['null', { active: null }, /got null/],
    ['nothing', { active: undefined }, /nothing at `\/active`/],
    ['a number for a text', { name: 5 }, /a text/],
    ['an entity', { name: { __entity: { type: 'Group', id: 'finance' } } }, /got an object/],
    ['an extension', { limit: { __extn: { fn: 'decimal', arg: '1.0' } } }, /got an object/],
    ['a list', { orders: [7] }, /got a list/],
    ['half an order', { orders: 7.5 }, /an integer/],
    ['an order too many for a double', { orders: 9_007_199_254_740_994 }, /an integer|carries exactly/],
    ['a fifth decimal', { limit: 0.00001 }, /four decimals/],
    ['a number as text', { limit: '1200.5' }, /four decimals/],
    ['a day', { since: '2026-01-31' }, /RFC 3339/],
    ['a time without a zone', { since: '2026-01-31T10:00:00' }, /RFC 3339/],
    ['a day that there is not', { since: '2026-02-30T10:00:00Z' }, /RFC 3339/],
    ['a microsecond', { since: '2026-01-31T10:00:00.000001Z' }, /RFC 3339/],
    ['a novel', { name: 'x'.repeat(5_000) }, /at most 4096/],
  ])('attack: a provider lies about a type: %s', async (_name, over, expected) => {
    expect(await document(over)).toMatch(expected);
  });

  test.each<[string, string]>([
    ['a member twice', '{"active":false,"active":true,"name":"Acme","orders":7,"limit":1,"since":"2026-01-31T10:00:00Z"}'],
    ['__proto__ at the top', '{"__proto__":{"active":true,"name":"Acme","orders":7,"limit":1,"since":"2026-01-31T10:00:00Z"}}'],
    ['__proto__ beside', '{"active":true,"name":"Acme","orders":7,"limit":1,"since":"2026-01-31T10:00:00Z","x":{"__proto__":{"polluted":true}}}'],
    ['constructor.prototype', '{"constructor":{"prototype":{"active":true,"name":"Acme","orders":7,"limit":1,"since":"2026-01-31T10:00:00Z"}}}'],
  ])('abuse 19: %s is no answer and changes no object', async (_name, text) => {
    expect(await missing((response) => void response.end(text))).toMatch(/^missing/);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['active']).toBeUndefined();
  });

  test('abuse 19: a pointer leads over own members only', async () => {
    expect(await missing((response) => void response.end(JSON.stringify(acme)), { select: { name: '/constructor/name' } })).toMatch(/nothing at `\/constructor\/name`/);
    expect(await missing((response) => void response.end(JSON.stringify(acme)), { select: { orders: '/name/length' } })).toMatch(/nothing at/);
  });

  const dripping: VendorServer['answer'] = (response) => {
    const drip = setInterval(() => response.write(' '), 50);
    response.once('close', () => clearInterval(drip));
  };

  test.each<[string, VendorServer['answer']]>([
    ['says nothing', () => undefined],
    ['sends a head and then nothing', (response) => void response.writeHead(200, { 'content-length': '1000' }).write('{')],
    ['sends a letter now and then', dripping],
  ])('attack: a provider that %s is given up in time', async (_name, answer) => {
    server.answer = answer;
    const from = performance.now();
    expect(said(await ask(vendor([http()], { timeout_ms: 300 })))).toMatch(/^missing: .*(no usable answer|within 300 ms)/);
    expect(performance.now() - from).toBeLessThan(10_000);
  });

  test('attack: ten megabytes are not read', async () => {
    let sent = 0;
    const answer = await missing((response) => {
      const chunk = Buffer.alloc(64 * 1024, 0x20);
      const more = () => {
        while (sent < 10 * 1024 * 1024 && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end('{}');
      };
      more();
    });
    expect(answer).toMatch(/^missing: .*at most 1048576 bytes/);
    expect(sent).toBeLessThan(9 * 1024 * 1024);
  });

  test.each([['an error', 500], ['nothing there', 404], ['no content', 204], ['part of it', 206]])('attack: %s is no answer, whatever comes with it', async (_name, status) => {
    expect(await missing((response) => void response.writeHead(status).end(JSON.stringify(acme)))).toMatch(new RegExp(`expected status 200, got ${status}`));
  });

  test.each(['http://169.254.169.254/latest/meta-data', 'http://127.0.0.1:PORT/', '/elsewhere', 'https://vendors.example/'])('abuse 5: a redirect to %s is not followed', async (location) => {
    const target = location.replace('PORT', new URL(server.url).port);
    expect(await missing((response) => void response.writeHead(302, { location: target }).end())).toMatch(/expected status 200, got 302/);
    expect(server.paths).toHaveLength(1);
  });

  test.each(['http://127.0.0.1:PORT/', 'https://localhost:PORT/', 'https://127.0.0.1:PORT/', 'https://[::1]:PORT/', 'https://2130706433:PORT/', 'https://169.254.169.254/'])('abuse 5: %s is not asked unless private addresses are allowed', async (url) => {
    const before = server.hits();
    expect(said(await ask(vendor([{ http: { url: url.replace('PORT', new URL(server.url).port) } }])))).toMatch(/^missing: http: cannot fetch: expected/);
    expect(server.hits()).toBe(before);
  });

  test.each(['http://169.254.169.254/', 'http://[fe80::1]/', 'https://169.254.170.2/'])('abuse 5: %s is not asked even where private addresses are allowed', async (url) => {
    expect(said(await ask(vendor([{ http: { url, allow_private_address: true } }])))).toMatch(/no link-local address/);
  });

  test('attack: a file that is a pipe, too large, a folder or gone keeps nobody waiting', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe.json')]);
    writeFileSync(join(folder, 'large.json'), Buffer.alloc(1024 * 1024 + 1, 0x20));
    for (const path of ['large.json', '.', 'gone.json', 'pipe.json']) expect(said(await ask(vendor([{ file: { path } }]), {}, { directory: folder }))).toMatch(/^missing: file: (expected a file of at most|the file cannot be read)/);
  });

  test('attack: aliases in YAML that would make gigabytes', async () => {
    writeFileSync(join(folder, 'bomb.yaml'), `a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b]\n`);
    expect(said(await ask(vendor([{ file: { path: 'bomb.yaml' } }]), {}, { directory: folder }))).toMatch(/expected YAML/);
  });
});

describe('two sources', () => {
  test('story: that say the same are one answer', async () => {
    expect(said(await ask(vendor([http('/one'), http('/two')])))).toEqual(shown);
  });

  test('attack: that contradict each other are no answer', async () => {
    server.answer = (response, path) => void response.end(JSON.stringify({ ...acme, active: path === '/one' }));
    expect(said(await ask(vendor([http('/one'), http('/two')])))).toBe('missing: its sources contradict each other: `http 1` and `http 2`');
  });

  test('attack: of which one is silent are no answer', async () => {
    server.answer = (response, path) => (path === '/one' ? void response.end(JSON.stringify(acme)) : void response.writeHead(503).end());
    expect(said(await ask(vendor([http('/one'), http('/two')])))).toMatch(/^missing: http 2: /);
  });
});

describe('words of an attempt', () => {
  const path = '/vendors/{args.vendor}/status?of={args.vendor}&by={identity}';

  test.each<[string, string, string]>([
    ['a slash', 'a/b', '/vendors/a%2Fb/status?of=a%2Fb&by=robot'],
    ['a question mark', 'a?admin=1', '/vendors/a%3Fadmin%3D1/status?of=a%3Fadmin%3D1&by=robot'],
    ['a fragment', 'a#b', '/vendors/a%23b/status?of=a%23b&by=robot'],
    ['an ampersand', 'a&by=root', '/vendors/a%26by%3Droot/status?of=a%26by%3Droot&by=robot'],
    ['a line of a header', 'a\r\nHost: evil', '/vendors/a%0D%0AHost%3A%20evil/status?of=a%0D%0AHost%3A%20evil&by=robot'],
    ['quotes', `'"()*!`, '/vendors/%27%22%28%29%2A%21/status?of=%27%22%28%29%2A%21&by=robot'],
    ['a percent', '%2e%2e%2fadmin', '/vendors/%252e%252e%252fadmin/status?of=%252e%252e%252fadmin&by=robot'],
    ['a tab', 'a\tb', '/vendors/a%09b/status?of=a%09b&by=robot'],
  ])('abuse 20: %s stays within its segment and its value', async (_name, value, expected) => {
    await ask(vendor([http(path)]), { 'args.vendor': value, identity: 'robot' });
    expect(server.paths).toEqual([expected]);
  });

  test.each(['.', '..', '', '/', 'a/../b', '../admin', 'a/', '/a', 'a\\..\\b', 'a//b', '\ud800', 'x'.repeat(513)])('abuse 20: %j is asked of nobody', async (value) => {
    expect(said(await ask(vendor([http(path)]), { 'args.vendor': value, identity: 'robot' }))).toMatch(/^missing/);
    expect(server.paths).toEqual([]);
  });

  test('story: an attempt without the argument asks nobody', async () => {
    expect(said(await ask(vendor([http(path)]), { identity: 'robot' }))).toBe('missing: the attempt has no text or number at `args.vendor`');
    expect(server.paths).toEqual([]);
  });

  test('law: whatever a word is, the path keeps its segments and the query its values', async () => {
    const { facts, close } = factsOf(vendor([http(path)]));
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 20 }), async (word) => {
        server.paths.length = 0;
        await facts.gather(['vendor'], types, asWords({ 'args.vendor': word, identity: 'robot' }));
        for (const asked of server.paths) {
          const url = new URL(asked, server.url);
          expect(url.pathname.split('/').map(decodeURIComponent)).toEqual(['', 'vendors', word, 'status']);
          expect([...url.searchParams]).toEqual([['of', word], ['by', 'robot']]);
        }
      }),
      { numRuns: 200 },
    );
    await close();
  });
});

describe('how often is asked', () => {
  test('attack: a thousand attempts at once are one question', async () => {
    server.answer = (response) => void setTimeout(() => response.end(JSON.stringify(acme)), 100);
    const { facts } = factsOf(vendor([http()]));
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => facts.gather(['vendor'], types, asWords({}))));
    expect(answers.every((answer) => answer.get('vendor')?.kind === 'known')).toBe(true);
    expect(server.paths).toHaveLength(1);
  });

  test('attack: a provider that does not answer is asked again after two seconds, not by everybody', async () => {
    server.answer = (response) => void response.writeHead(500).end();
    const clock = new FakeClock();
    const { facts } = factsOf(vendor([http()]), { clock });
    for (let i = 0; i < 50; i++) await facts.gather(['vendor'], types, asWords({}));
    expect(server.paths).toHaveLength(1);
    clock.ms += 2_000;
    await facts.gather(['vendor'], types, asWords({}));
    expect(server.paths).toHaveLength(2);
  });

  test('attack: a thousand different words at once: so many go on, the others are missing, and none waits', async () => {
    let open = 0;
    let most = 0;
    server.answer = (response) => {
      most = Math.max(most, ++open);
      setTimeout(() => response.end(JSON.stringify(acme), () => open--), 50);
    };
    const { facts } = factsOf(vendor([http('/{args.vendor}')], { timeout_ms: 5_000 }));
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => facts.gather(['vendor'], types, asWords({ 'args.vendor': `v${i}` }))));
    expect(answers.filter((answer) => answer.get('vendor')?.kind === 'known').length).toBeGreaterThanOrEqual(200);
    expect(most).toBeLessThanOrEqual(32);
    expect(said(answers[999] ?? new Map())).toBe('missing: too much is asked at once');
  });

  test('attack: an answer that grew old is asked for anew, and is missing when nobody answers any more', async () => {
    const clock = new FakeClock();
    const { facts } = factsOf(vendor([http()], { fresh_for: '1m' }), { clock });
    const at = async (ms: number) => {
      clock.ms = 1_750_000_000_000 + ms;
      return said(await facts.gather(['vendor'], types, asWords({})));
    };
    expect(await at(0)).toEqual(shown);
    server.answer = (response) => void response.writeHead(500).end();
    expect(await at(59_999)).toEqual(shown);
    expect(await at(60_000)).toMatch(/^missing/);
    expect(server.paths).toHaveLength(2);
  });

  test('attack: a clock that was set back makes no answer younger', async () => {
    const clock = new FakeClock();
    const { facts } = factsOf(vendor([http()], { fresh_for: '1m' }), { clock });
    await facts.gather(['vendor'], types, asWords({}));
    clock.ms -= 3_600_000;
    await facts.gather(['vendor'], types, asWords({}));
    expect(server.paths).toHaveLength(2);
  });

  test('abuse 14: two attempts never share an answer that their words or the types set apart', async () => {
    server.answer = (response, path) => void response.end(JSON.stringify({ ...acme, name: path }));
    const { facts } = factsOf(vendor([http('/{args.a}/{args.b}')]));
    const named = async (a: string, b: string) => (said(await facts.gather(['vendor'], types, asWords({ 'args.a': a, 'args.b': b }))) as { name: string }).name;
    expect(await named('x', 'y/z')).toBe('/x/y%2Fz');
    expect(await named('x/y', 'z')).toBe('/x%2Fy/z');
    expect(await named('x","y', 'z')).toBe('/x%22%2C%22y/z');
    expect(await named('x', 'y","z')).toBe('/x/y%22%2C%22z');
    const other = await facts.gather(['vendor'], { vendor: { name: 'string' } }, asWords({ 'args.a': 'x', 'args.b': 'y/z' }));
    expect(said(other)).toEqual({ name: '/x/y%2Fz' });
  });
});

describe('a database', () => {
  let postgres: TestPostgres | undefined;
  let url = '';
  beforeAll(async () => {
    postgres = await startPostgres();
    if (!postgres) return;
    url = await postgres.database();
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`create table vendor (id text primary key, active boolean, name text, orders bigint, "limit" numeric, since timestamptz);
      insert into vendor values ('acme', true, 'Acme', 7, 1200.50, '2026-01-31 11:00:00+01'), ('O''Neil; drop table vendor; --', true, 'O', 1, 1, '2026-01-01Z'), ('null', null, 'N', 1, 1, '2026-01-01Z'), ('exact', true, 'E', 9007199254740993, 0.00000001, '2026-01-01Z'), ('twice', true, 'T', 1, 1, '2026-01-01Z');
      create sequence counter; create function spend() returns boolean language sql as $$ update vendor set active = false; select true $$;
      create function sneak() returns boolean language plpgsql as $$ begin set transaction read write; update vendor set active = false; return true; end $$`);
    await client.end();
  });
  afterAll(() => postgres?.remove());

  const query = (statement: string, parameters: readonly string[] = []) => vendor([{ sql: { url_from_env: 'DB', statement, parameters } }]);
  const asked = async (settings: object, words: Readonly<Record<string, string>> = {}) => said(await ask(settings, words, { env: { DB: url } }));
  const byId = query('select * from vendor where id = $1 -- the one', ['{args.vendor}']);

  test('story: one row by one read-only query, with its types', async ({ skip }) => {
    if (!postgres) return skip();
    expect(await asked(byId, { 'args.vendor': 'acme' })).toEqual(shown);
  });

  test.each<[string, string, unknown]>([
    ['nobody', `' or true --`, /expected one row .* got none/],
    ['quotes', `O'Neil; drop table vendor; --`, { active: true, name: 'O', orders: 1, limit: '1.0000', since: '2026-01-01T00:00:00.000Z' }],
    ['null', 'null', /got null/],
    ['numbers that a double does not carry', 'exact', /an integer, got another text/],
    ['a zero byte', 'a\0b', /SQLSTATE|no answer/],
  ])('attack: a word with %s is a word', async (_name, word, expected) => {
    if (!postgres) return;
    const answer = await asked(byId, { 'args.vendor': word });
    if (expected instanceof RegExp) expect(answer).toMatch(expected);
    else expect(answer).toEqual(expected);
  });

  // What each is refused with: the grammar, a transaction that only reads, a transaction that has begun.
  test.each<[string, string, string]>([
    ['an update', 'update vendor set active = false returning *', '42601'],
    ['a delete in a with', 'with gone as (delete from vendor returning *) select * from gone', '0A000'],
    ['a second statement', 'select 1 as x) as flyball_row; delete from vendor; select flyball_row.* from (select 1 as x', '42601'],
    ['the end of the transaction', 'select 1 as x) as flyball_row; commit; delete from vendor; begin; select flyball_row.* from (select 1 as x', '42601'],
    ['a function that writes', 'select spend() as active', '25006'],
    ['a function that would first allow itself to', 'select sneak() as active', '25001'],
    ['a setting', `select set_config('transaction_read_only', 'off', false) as name`, '25001'],
    ['a sequence, which no rollback sets back', `select nextval('counter') as orders`, '25006'],
    ['a copy into a file', `copy vendor to '/tmp/vendors'`, '42601'],
  ])('attack: %s does not write', async (_name, statement, state) => {
    if (!postgres) return;
    expect(await asked(query(statement))).toBe(`missing: sql: the database gave no answer (SQLSTATE ${state})`);
    expect(await asked(byId, { 'args.vendor': 'acme' })).toEqual(shown);
  });

  test('attack: several rows, a large one, a slow one', async ({ skip }) => {
    if (!postgres) return skip();
    expect(await asked(query('select * from vendor'))).toMatch(/got several/);
    expect(await asked(query(`select *, repeat('x', 10000000) as more from vendor where id = 'acme'`))).toMatch(/at most 65536 bytes, got none/);
    const from = performance.now();
    expect(await asked(vendor([{ sql: { url_from_env: 'DB', statement: 'select true as active, pg_sleep(30)' } }], { timeout_ms: 300 }))).toMatch(/within 300 ms|SQLSTATE 57014/);
    expect(performance.now() - from).toBeLessThan(10_000);
  });

  test('attack: a database that stands still is given up, and asked again when it goes on', async ({ skip }) => {
    if (!postgres) return skip();
    const clock = new FakeClock();
    const { facts, close } = factsOf(byId, { env: { DB: url }, clock });
    const now = async () => said(await facts.gather(['vendor'], types, asWords({ 'args.vendor': 'acme' }), 0));
    expect(await now()).toEqual(shown);
    clock.ms += 60_000;
    await postgres.pause();
    expect(await now()).toMatch(/within 1000 ms/);
    await postgres.resume();
    clock.ms += 60_000;
    expect(await now()).toEqual(shown);
    await close();
  });

  test('attack: what is wrong with a query is not said in the database\'s words', async ({ skip }) => {
    if (!postgres) return skip();
    expect(await asked(query(`select ('secret ' || name)::int as orders from vendor where id = 'acme'`))).toBe('missing: sql: the database gave no answer (SQLSTATE 22P02)');
  });
});
