import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folder, http, run, verifyLog, verifyReceipt } from '../packages/verify/src/index.js';
import { type Canary, startCanary } from './support/canary.js';
import { command, openBundle, type RunningGovernor, startGovernor, waitFor } from './support/governor.js';
import type { LogStatus } from './support/log-governor.js';
import { decisionOf } from './support/mcp.js';
import { openWire, resultOf } from './support/wire.js';

// What the verifier was written to read, it was never told: here a real governor writes, with code that it shares nothing with.
let canary: Canary;
let governor: RunningGovernor;
const kept = mkdtempSync(join(tmpdir(), 'flyball-kept-'));

const files = {
  ...openBundle,
  'bundle/catalogue.yaml': 'actions:\n  - { name: transfer, tier: act, match: { upstream: canary, name: transfer } }\n  - { name: anything.use, tier: inspect, match: { upstream: "*", name: "*" } }\n',
  'bundle/policies/open.cedar': '@id("open") permit (principal in Group::"testers", action, resource);\n@id("two") @outcome("step_up") @approvers("finance") @quorum("2") forbid (principal, action == Action::"transfer", resource);\n',
};

const ask = async <T>(path: string, body?: object): Promise<T> => (await governor.ask('operator', body ? 'POST' : 'GET', path, body)).value;
const vkey = async (): Promise<string> => Object.keys((await ask<LogStatus>('/v1/log')).keys)[0] ?? '';
/** Everything that was written so far is in the log. */
const settled = async (): Promise<LogStatus> => {
  let size = '';
  return waitFor(async () => {
    const status = await ask<LogStatus>('/v1/log');
    const isStill = status.size === size && size !== '0';
    size = status.size;
    await new Promise((done) => setTimeout(done, 1_500));
    return isStill ? status : undefined;
  });
};

beforeAll(async () => {
  canary = await startCanary();
  governor = await startGovernor({ files, upstreams: `  canary: { url: "${canary.url}" }` });
  const client = await openWire(governor.url(), await governor.token('tester'));
  await client.call('echo', { message: 'x' });
  const { hold } = decisionOf(resultOf(await client.call('transfer', { to: 'zoe', amount: 1 })));
  for (const person of ['ann', 'ben']) await governor.ask(person, 'POST', `/v1/holds/${hold ?? ''}/answer`, { agrees: true, reason: 'fine' });
  await client.call('transfer', { to: 'zoe', amount: 1 });
  await client.call('no_such_tool', {});
});
afterAll(async () => {
  await governor.remove();
  canary.stop();
  rmSync(kept, { recursive: true });
});

test('story: an auditor verifies the log of a real governor over its API, and finds nothing wrong', async () => {
  const { checkpoint } = await settled();
  writeFileSync(join(kept, 'checkpoint'), checkpoint);
  const verdict = await verifyLog({ source: http(`${governor.administrators}/v1/log`, { token: await governor.personToken('operator') }), trust: { keys: [await vkey()] }, now: Date.now() });
  expect([verdict.integrity.findings, verdict.completeness.findings]).toEqual([[], []]);
  expect(verdict.counts.entries).toBeGreaterThan(8);
});

test('story: receipts of a real governor prove every action, with what it was about', async () => {
  const actions = await ask<{ id: string; kind: string }[]>('/v1/actions');
  const trust = { keys: [await vkey()] };
  mkdirSync(join(kept, 'receipts'));
  for (const { id } of actions) {
    const { receipts } = await ask<{ receipts: string[] }>(`/v1/receipts/${id}?thread=1&body=1`);
    for (const [at, receipt] of receipts.entries()) {
      expect(verifyReceipt(receipt, trust)).toMatchObject({ holds: true, findings: [] });
      writeFileSync(join(kept, 'receipts', `${id}-${at}`), receipt);
    }
  }
  expect([...new Set(actions.map(({ kind }) => kind))].sort()).toEqual(['hold', 'intent', 'refusal']);
});

test('abuse 78: after an erasure of a real governor everything still verifies, and what is gone is covered', async () => {
  const { size } = await ask<LogStatus>('/v1/log');
  const { bodies } = await ask<{ bodies: number }>('/v1/erase', { containing: 'zoe' });
  expect(bodies).toBeGreaterThan(0);
  await waitFor(async () => BigInt((await ask<LogStatus>('/v1/log')).size) > BigInt(size) || undefined, 20_000);
  await settled();
  const all = await ask<{ entry: string; salt: string; content: string }[]>('/v1/log/bodies?most=1000');
  const verdict = await verifyLog({ source: http(`${governor.administrators}/v1/log`, { token: await governor.personToken('operator') }), trust: { keys: [await vkey()] }, bodies: all });
  expect([verdict.integrity.findings, verdict.completeness.findings]).toEqual([[], []]);
  expect(verdict.counts.bodies).toEqual({ matched: all.length, erased: bodies });
});

test('story: the exported folder holds against everything that was kept, and does not when a byte of it changes', async () => {
  const key = await vkey();
  const copy = join(kept, 'log');
  await governor.stop();
  const { code, stderr } = await command(governor.directory, ['log', 'export', copy]);
  expect([code, stderr]).toEqual([0, expect.anything()]);
  const verdict = await verifyLog({ source: folder(copy), trust: { keys: [key] }, earlier: [{ name: 'kept', content: readFileSync(join(kept, 'checkpoint')) }] });
  expect([verdict.integrity.findings, verdict.completeness.findings]).toEqual([[], []]);
  let text = '';
  const out = { write: (part: string) => void (text += part) };
  const receipts = readdirSync(join(kept, 'receipts')).map((file) => join(kept, 'receipts', file));
  expect([await run(['log', copy, '--key', key, '--since', join(kept, 'checkpoint'), '--receipts', ...receipts], out), text]).toEqual([0, expect.stringContaining('integrity: holds')]);
  const bundle = join(copy, 'tile/entries', readdirSync(join(copy, 'tile/entries')).at(0) ?? '', String(verdict.size));
  const bytes = readFileSync(bundle);
  bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
  writeFileSync(bundle, bytes);
  expect(await run(['log', copy, '--key', key], out)).toBe(1);
  expect(text).toMatch(/entry_altered/);
});
