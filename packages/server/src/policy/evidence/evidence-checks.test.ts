import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { vendorServer, type VendorServer } from '../../../../../test/support/facts-kit.js';
import { FakeClock } from '../../../../../test/support/identity-kit.js';
import { compile, faultsOf } from '../../../../../test/support/policy-kit.js';
import { evidenceSourcesConfig } from '../../config/facts.js';
import { Sources } from '../facts/sources.js';
import { EvidenceChecks } from './evidence-checks.js';
import { loadEvidence } from './load-evidence.js';

const permit = '@id("all") permit (principal, action, resource);\n';
const guard = (kinds: string) => `${permit}@id("guard") @outcome("step_up") @approvers("finance") @evidence("${kinds}") forbid (principal, action, resource);`;

const document = `evidence:
  ticket:
    check: { source: tickets, expect: { /fields/status: approved, /fields/open: true } }
  canary_run:
    schema: { type: object, properties: { run: { type: string, pattern: "^[0-9]+$" } }, required: [run] }
  change:
    check: { source: nobody, expect: { /ok: true } }
`;

let server: VendorServer;
beforeAll(async () => {
  server = await vendorServer();
});
beforeEach(() => {
  server.paths.length = 0;
  server.answer = (response) => void response.end(JSON.stringify({ fields: { status: 'approved', open: true } }));
});
afterAll(() => server.close());

function checks(over: object = {}): EvidenceChecks {
  const settings = evidenceSourcesConfig.parse({ tickets: { source: { http: { url: `${server.url}/tickets/{evidence.id}`, allow_private_address: true } }, timeout_ms: 500, ...over } });
  const kinds = loadEvidence({ 'evidence.yaml': document }, []);
  return new EvidenceChecks(() => kinds, settings, new Sources({ directory: '/', secretOf: () => undefined }), new FakeClock());
}

const said = async (kind: string, value: unknown, by = checks()) => {
  const verdict = await by.verify(kind, value as never);
  return verdict.ok ? `verified by ${verdict.source ?? 'its form'}` : verdict.why;
};

describe('what evidence has to be', () => {
  test.each<[string, unknown, string | RegExp]>([
    ['rollback', { plan: 'restore the snapshot of 10:00' }, 'verified by its form'],
    ['peer_review', { by: 'ben', notes: 'read twice' }, 'verified by its form'],
    ['invoice', { number: '2026-17', amount: 12.5 }, 'verified by its form'],
    ['vendor_check', { reference: 'VC-3' }, 'verified by its form'],
    ['canary_run', { run: '17' }, 'verified by its form'],
    ['canary_run', { run: 'seventeen' }, /pattern/],
    ['rollback', {}, /plan/],
    ['rollback', { plan: '' }, /fewer than 1/],
    ['rollback', { plan: 'x', more: 1 }, /additional/],
    ['rollback', 'restore it', /object/],
    ['rollback', null, /object/],
    ['rollback', { plan: 'x'.repeat(100_000) }, /at most 65536 bytes/],
    ['poem', { text: 'roses' }, /no such kind/],
    ['constructor', {}, /no such kind/],
    ['__proto__', {}, /no such kind/],
  ])('story: %s %j', async (kind, value, expected) => {
    if (typeof expected === 'string') expect(await said(kind, value)).toBe(expected);
    else expect(await said(kind, value)).toMatch(expected);
  });
});

describe('who confirms it', () => {
  test('story: an approved ticket is evidence, by the one who keeps tickets', async () => {
    expect(await said('ticket', { id: 'OPS-17' })).toBe('verified by tickets');
    expect(server.paths).toEqual(['/tickets/OPS-17']);
  });

  test.each<[string, object]>([
    ['another state', { fields: { status: 'draft', open: true } }],
    ['the state in other letters', { fields: { status: 'Approved', open: true } }],
    ['the state as a list', { fields: { status: ['approved'], open: true } }],
    ['a text for true', { fields: { status: 'approved', open: 'true' } }],
    ['nothing', {}],
    ['a list', []],
  ])('attack: a ticket with %s is not', async (_name, answer) => {
    server.answer = (response) => void response.end(JSON.stringify(answer));
    expect(await said('ticket', { id: 'OPS-17' })).toMatch(/`tickets` does not confirm it/);
  });

  test.each<[string, VendorServer['answer'], RegExp]>([
    ['says no', (response) => void response.writeHead(404).end('{"fields":{"status":"approved","open":true}}'), /status 200, got 404/],
    ['hangs', () => undefined, /no usable answer|within 500 ms/],
    ['redirects', (response) => void response.writeHead(302, { location: '/approved' }).end(), /status 200, got 302/],
    ['answers with a page', (response) => void response.end('<html>'), /JSON/],
    ['answers ten megabytes', (response) => void response.end(' '.repeat(10 * 1024 * 1024)), /at most 1048576 bytes/],
    ['says everything twice', (response) => void response.end('{"fields":{"status":"draft","open":true},"fields":{"status":"approved","open":true}}'), /once/],
  ])('attack: a checker that %s confirms nothing', async (_name, answer, expected) => {
    server.answer = answer;
    expect(await said('ticket', { id: 'OPS-17' })).toMatch(expected);
  });

  test('attack: a checker that nobody configured confirms nothing', async () => {
    expect(await said('change', { id: 'C-1' })).toMatch(/nobody is configured .* `evidence_sources.nobody`/);
  });

  test.each(['../approved', '..', 'a/b?x=1', 'OPS-17#', ''])('abuse 20: a ticket called %j leads to no other', async (id) => {
    await said('ticket', { id });
    expect(server.paths.every((path) => /^\/tickets\/[^/?#]+$/.test(path) && !/^\/tickets\/\.\.?$/.test(path))).toBe(true);
  });

  test('attack: a checker that is not told what it is about is refused', () => {
    expect(() => checks({ source: { http: { url: `${server.url}/any`, allow_private_address: true } } })).toThrow(/evidence_sources\.tickets: .*about the evidence/);
    expect(() => checks({ source: { http: { url: `${server.url}/{args.vendor}`, allow_private_address: true } } })).toThrow(/placeholders/);
  });
});

describe('kinds in a bundle', () => {
  test('story: built-in and declared kinds are known, and the digest covers them', () => {
    const bundle = compile(guard('ticket,canary_run,rollback'), { 'evidence.yaml': document });
    expect([...bundle.evidence.keys()].sort()).toEqual(['canary_run', 'change', 'invoice', 'peer_review', 'rollback', 'ticket', 'vendor_check']);
    expect(compile(guard('ticket,canary_run,rollback'), { 'evidence.yaml': `${document}\n` }).digest).not.toBe(bundle.digest);
  });

  test.each<[string, string, string | undefined, RegExp]>([
    ['a kind that nobody declares', guard('ticket,tickt'), undefined, /^policies\/main\.cedar:2: `@evidence\("tickt"\)`: evidence\.yaml declares no such kind/],
    ['a declared kind of another bundle', guard('canary_run'), undefined, /main\.cedar:2: .*canary_run/],
    ['a kind without a schema', permit, 'evidence:\n  canary_run: {}\n', /^evidence\.yaml:2: `canary_run`: expected a `schema`/],
    ['a schema that is none', permit, 'evidence:\n  canary_run: { schema: { type: sculpture } }\n', /^evidence\.yaml:2: `canary_run`: the schema cannot be used/],
    ['a schema that is fetched', permit, 'evidence:\n  canary_run: { schema: { $ref: "https://evil.example/schema.json" } }\n', /^evidence\.yaml:2: `canary_run`/],
    ['a check that expects nothing', permit, 'evidence:\n  ticket: { check: { source: tickets, expect: {} } }\n', /^evidence\.yaml:2:\d+: .*at least one/],
    ['a pointer that is none', permit, 'evidence:\n  ticket: { check: { source: tickets, expect: { status: approved } } }\n', /^evidence\.yaml:2:\d+: .*(JSON Pointer|key)/],
    ['a member that is misspelt', permit, 'evidence:\n  ticket: { cheque: { source: tickets } }\n', /^evidence\.yaml:2:\d+: .*cheque/],
  ])('attack: %s is refused with file and line', (_name, policies, evidence, expected) => {
    expect(faultsOf(policies, { 'evidence.yaml': evidence }).join('\n')).toMatch(expected);
  });
});
