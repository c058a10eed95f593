// Flyball as a target: started on the loopback address with the bundle beside this file. README.md says what each part is.
import { execFile } from 'node:child_process';
import { createHmac, createPrivateKey, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SignJWT } from 'jose';
import { Receiver } from './receiver.mjs';
import { Installation, origin } from './installation.mjs';
import { questionsOf } from './questions.mjs';

const secret = 'a secret of both sides of the callback';
const run = promisify(execFile);

export async function createTarget({ url } = {}) {
  if (url !== undefined) throw new Error('expected --config FILE: a Flyball that somebody else runs is described like any other product');
  const receiver = await new Receiver().listen();
  const installation = await Installation.start({ callback: receiver.url, secret });
  try {
    return { ...(await describe(installation, receiver)), stop: () => stop(installation, receiver) };
  } catch (error) {
    await stop(installation, receiver);
    throw error;
  }
}

async function stop(installation, receiver) {
  await installation.stop();
  installation.remove();
  receiver.close();
}

async function describe(installation, receiver) {
  const [pep, again, stranger] = [await installation.token('pep'), await installation.token('pep'), await installation.token('stranger')];
  const questions = questionsOf(installation);
  const key = createPrivateKey(readFileSync(join(installation.folder, '.flyball/authzen-key.pem')));
  const resign = async (jws, change) => {
    const [head, claims] = jws.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
    return new SignJWT(JSON.parse(JSON.stringify({ ...claims, ...change }))).setProtectedHeader(head).sign(key);
  };
  return {
    name: 'Flyball',
    url: origin,
    connect_to: { [origin]: installation.machines },
    tokens: { pep, again, stranger, outsider: stranger },
    skew_seconds: 0,
    patience_seconds: 30,
    brief_seconds: 5,
    cases,
    relevant_context: ['amount'],
    volatile_context: ['time'],
    augment: { context: { business_justification: 'conformance' }, requested_access: { 'urn:flyball:grant': 'archive-read', 'urn:flyball:minutes': 5 } },
    hidden_catalog_value: 'archive-secret',
    other_catalog_value: 'shelf-read',
    actor: { id: 'pep', issuer: 'flyball:local', type: 'service' },
    approvers: ['ann', 'owners'],
    callback: { endpoint: receiver.url },
    callbacks: async () => receiver.notices,
    verifyCallback,
    approve: (given) => questions.answer(given, 'ann', true),
    refuse: (given) => questions.answer(given, 'ann', false),
    approveIneligibly: async (given) => void (await Promise.allSettled(['dan', 'operator'].map((person) => questions.answer(given, person, true)))),
    revoke: ({ request }) => questions.cancel(request),
    tighten: async ({ request }) => {
      await installation.usePolicies((text) => `${text}\n@id("closed") forbid (principal, action, resource == report::${JSON.stringify(request.resource.id)});\n`);
      return () => installation.usePolicies((text) => text);
    },
    retire: async ({ value }) => {
      await installation.usePolicies((text) => `${text}\n@id("retired") forbid (principal, action == Action::"access.request", resource) when { resource.name == ${JSON.stringify(value)} };\n`);
      return () => installation.usePolicies((text) => text);
    },
    signBinding: async ({ token, change }) => ({ token: await resign(token, change) }),
    signState: async ({ state, change }) => ({ state: await resign(state, change) }),
    record: ({ task, approval }) => recordOf(installation, task, approval),
  };
}

const user = { type: 'user', id: 'alice-{{mark}}' };
const read = { name: 'can_read' };
const report = { type: 'report', id: 'report-{{mark}}', properties: { owner: 'bob' } };

const cases = {
  requestable: { subject: user, resource: report, action: read },
  contextual: { subject: user, resource: report, action: read, context: { amount: 100, case: 'c1' } },
  volatile: { subject: user, resource: report, action: read, context: { amount: 100, time: '2026-01-01T00:00:00Z' } },
  actor: { subject: { ...user, properties: { team: 'a', act: { iss: 'flyball:local', sub: 'pep' } } }, resource: report, action: read },
  brief: { subject: user, resource: { ...report, type: 'brief' }, action: read },
  catalogued: { subject: { type: 'identity', id: 'robot' }, resource: { type: 'archive', id: 'archive-{{mark}}' }, action: read },
  forbidden: { subject: user, resource: { type: 'vault', id: 'vault-{{mark}}' }, action: read },
  allowed: { subject: user, resource: { type: 'handbook', id: 'handbook-{{mark}}' }, action: read },
  obliged: { subject: user, resource: report, action: { name: 'can_export', properties: { limit: 5_000 } } },
};

/** Standard Webhooks: HMAC-SHA256 over id, time and body. */
async function verifyCallback({ headers, text }) {
  const wanted = Buffer.from(`v1,${createHmac('sha256', secret).update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`).digest('base64')}`);
  const given = Buffer.from(headers['webhook-signature'] ?? '');
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}

/** What the exported record has of a task: the denial, what was submitted, who agreed, and what came of it. */
async function recordOf(installation, task, approval) {
  await installation.pause();
  const file = join(installation.folder, 'record.jsonl');
  await run(process.execPath, [installation.command, '-c', join(installation.folder, 'flyball.yaml'), 'db', 'export', file], { maxBuffer: 64 << 20 }).finally(() => installation.resume());
  const entries = readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)).filter(({ table }) => table === 'entry').map(({ row }) => JSON.parse(row.body));
  const request = entries.find(({ kind, body }) => kind === 'request.opened' && body.task === task.id);
  return {
    denial: entries.find(({ id, kind }) => id === request?.body.evaluation && kind === 'refusal'),
    request,
    approval: entries.find(({ kind, body }) => kind === 'approval' && body.hold === request?.body.hold),
    result: entries.find(({ id, settles }) => id === approval.id && settles === request?.id) && entries.find(({ kind, settles }) => kind === 'intent' && settles === request?.body.hold),
  };
}

