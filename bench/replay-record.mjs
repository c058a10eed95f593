// A record of many decisions as a governor would have left it: many identities, each with one session after the other.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { randomBytes } from 'node:crypto';
import { timeId } from './entries.mjs';
import { root } from './support.mjs';

const server = (path) => import(pathToFileURL(join(root, 'packages/server/dist', path)).href);
const [{ compileBundle, evaluate, newEventReader }, { decisionInputs }, { questionOf }, { intentBody, reachedBody, payloadOf, decidedBody }, { payloadDigest }, { foldSession }] = await Promise.all([server('policy/index.js'), server('policy/context.js'), server('policy/temporal.js'), server('ledger/bodies.js'), server('ledger/index.js'), server('session/index.js')]);
const { canonicalText } = await import('@flyball/protocol');
const { leafHash } = await import('@flyball/tlog');

const tenant = 'default';
const stepMs = 5_000;
const perSession = 100;
const identitiesCount = 50;
const actionsCount = 100;
const actionsPerTask = 12;
const rememberedMs = 8 * 3_600_000;
const rowsAtOnce = 1_000;

function randomNumbers(seed) {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const tool = (index) => ({ name: `tool${index}`, inputSchema: { type: 'object', properties: { amount: { type: 'number' }, payee: { type: 'string' }, count: { type: 'integer' } }, required: ['amount', 'payee'] } });
const labels = ['pii', 'untrusted', 'internal'];

/** A bundle as teams write them: most rules about one action, some about what a session knows, spent or did. */
export function bundleFiles(policies, more = '') {
  const below = randomNumbers(policies);
  const rules = Array.from({ length: policies - 5 }, (_, index) => {
    const action = `principal in Group::"g${index % 20}", action == Action::"act${index % actionsCount}"`;
    const when = [`context.args.amount.lessThan(decimal("${below(1_000)}.0"))`, `context.args has count && context.args.count < ${below(50)}`, `!context.session.labels.contains("${labels[below(3)]}")`, `context.session.spent.eur.lessThan(decimal("${1_000 + below(100_000)}.0"))`][index % 4];
    return index % 10 === 9 ? `@id("p${index}") forbid (${action}, resource) when { context.args.amount.greaterThan(decimal("${900 + below(100)}.0")) && context.session.labels.contains("${labels[below(3)]}") };` : `@id("p${index}") permit (${action}, resource) when { ${when} };`;
  });
  const act = (index) => `Action::"act${index}"`;
  const general = [
    '@id("open") permit (principal in Group::"all", action, resource);',
    '@id("large") @outcome("step_up") @approvers("finance") forbid (principal, action == Action::"act7", resource) when { context.args.amount.greaterThan(decimal("990.0")) };',
    `@id("often") forbid (principal, action == ${act(1)}, resource) when temporal { count_within(1h, ${act(1)}::request{ input.payee: context.args.payee }) > 3 };`,
    `@id("much") forbid (principal, action == ${act(2)}, resource) when temporal { sum_within(a, 1h, ${act(2)}::request{ input.amount: a }) > 30000 };`,
    `@id("after") forbid (principal, action == ${act(3)}, resource) when temporal { formerly within 10m ${act(4)}::error{ input.payee: context.args.payee } };`,
  ];
  return {
    'catalogue.yaml': `actions:\n${Array.from({ length: actionsCount }, (_, index) => `  - { name: act${index}, tier: inspect, ${index % 10 === 5 ? `reads: [${labels[index % 3]}], ` : ''}${index % 4 === 0 ? 'spends: { eur: amount }, ' : ''}match: { upstream: bank, name: tool${index} } }`).join('\n')}\n`,
    'identities.yaml': `identities:\n${Array.from({ length: identitiesCount }, (_, index) => `  - { id: robot${index}, kind: agent, autonomy: autonomous, owner: ann, purpose: measuring, groups: [all, g${index % 20}, g${(index * 7 + 1) % 20}] }`).join('\n')}\n`,
    'people.yaml': 'people:\n  - { id: ann, groups: [finance], administrator: true }\n',
    'tools/bank.json': JSON.stringify({ tools: Array.from({ length: actionsCount }, (_, index) => tool(index)) }),
    'policies/main.cedar': `${[...general, ...rules].join('\n')}\n${more}`,
  };
}

class Writer {
  rows = [];
  index = 0;

  constructor(pool) {
    this.pool = pool;
  }

  async add(entry, payload) {
    this.rows.push({ entry, text: canonicalText(entry), payload, index: this.index++ });
    if (this.rows.length >= rowsAtOnce) await this.flush();
  }

  async flush() {
    const rows = this.rows.splice(0);
    if (rows.length === 0) return;
    const payloads = rows.filter(({ payload }) => payload);
    const places = rows.flatMap(({ entry }) => entry.streams.map((place) => ({ ...place, id: entry.id })));
    const lines = (items, of) => items.map(of).join('\n');
    const list = (number) => `string_to_array($${number}, E'\\n')`;
    await this.pool.query({
      name: 'bench-fill',
      text: `with entries as (
          insert into entry (tenant, id, kind, deadline, settles, body, leaf) select $1, id::uuid, kind, nullif(deadline, '')::bigint, nullif(settles, '')::uuid, body, decode(leaf, 'hex') from unnest(${[2, 3, 4, 5, 6, 7].map(list).join(', ')}) as e(id, kind, deadline, settles, body, leaf)
        ), leaves as (
          insert into log_leaf (tenant, index, entry) select $1, index::bigint, id::uuid from unnest(${[8, 2].map(list).join(', ')}) as l(index, id)
        ), payloads as (
          insert into payload (tenant, entry, salt, content) select $1, entry::uuid, salt, content from unnest(${[9, 10, 11].map(list).join(', ')}) as p(entry, salt, content)
        ) insert into stream (tenant, stream, version, entry) select $1, stream, version::bigint, entry::uuid from unnest(${[12, 13, 14].map(list).join(', ')}) as s(stream, version, entry)`,
      values: [tenant, lines(rows, ({ entry }) => entry.id), lines(rows, ({ entry }) => entry.kind), lines(rows, ({ entry }) => entry.deadline ?? ''), lines(rows, ({ entry }) => entry.settles ?? ''), lines(rows, ({ text }) => text), lines(rows, ({ text }) => Buffer.from(leafHash(text)).toString('hex')), lines(rows, ({ index }) => index), lines(payloads, ({ entry }) => entry.id), lines(payloads, ({ payload }) => payload.salt), lines(payloads, ({ payload }) => payload.content), lines(places, ({ stream }) => stream), lines(places, ({ version }) => version), lines(places, ({ id }) => id)],
    });
  }
}

/** One identity with its sessions so far. */
class Actor {
  sessions = [];
  version = 0;
  session = undefined;
  made = 0;
  task = 0;

  constructor(identity, bundle, writer) {
    this.identity = identity;
    this.bundle = bundle;
    this.writer = writer;
    this.history = bundle.temporal.monitor.newHistory();
  }

  known(now) {
    this.sessions = this.sessions.filter(({ openedAt }) => openedAt + rememberedMs > now);
    return [...new Set(this.sessions.flatMap(({ state }) => state.labels))].sort();
  }

  async open(now) {
    const session = timeId(now);
    const stream = `session:${session}`;
    const payload = { salt: randomBytes(16).toString('base64'), content: JSON.stringify({ purpose: 'measuring' }) };
    const body = { session, identity: this.identity.id, capabilities: ['*'], implicit: false, inherited: this.known(now) };
    this.session = { stream, version: 0, openedAt: now, state: undefined, read: newEventReader() };
    this.sessions.push(this.session);
    await this.append({ kind: 'session.opened', at: now, streams: [{ stream: `identity:${JSON.stringify([this.identity.id, null])}`, version: ++this.version }], deadline: now + rememberedMs, body }, payload);
  }

  async append({ kind, at, streams = [], id = timeId(at), body, ...rest }, payload) {
    const { session } = this;
    const entry = JSON.parse(canonicalText({ v: 1, tenant, id, kind, at, streams: [{ stream: session.stream, version: ++session.version }, ...streams], ...rest, ...(payload && { payload: payloadDigest(payload) }), body }));
    session.state = foldSession(session.state, entry, payload);
    const event = session.read(entry, payload && JSON.parse(payload.content));
    if (event) this.history.add(event);
    await this.writer.add(entry, payload);
    return entry;
  }

  situated(now, below) {
    // A task needs some of all tools, another one others.
    const name = `tool${(this.task + below(actionsPerTask)) % actionsCount}`;
    const args = { amount: below(10_000) / 10, payee: `p${below(200)}`, ...(below(2) === 0 && { count: below(60) }) };
    const state = { ...this.session.state, labels: this.known(now) };
    return { id: timeId(now), tenant, deadlineMs: now + 60_000, principal: { tenant, identity: this.identity, chain: [], method: 'local', expiresAtMs: now }, claims: { sub: this.identity.id }, session: { stream: this.session.stream, version: this.session.version, state }, call: { upstream: 'bank', method: 'tools/call', name, params: { name, arguments: args }, args, tool: { name, digest: 'sha256:tool', accepted: true } }, origin: { gateway: 'mcp-http', address: '127.0.0.1' } };
  }

  async act(now, below) {
    if (this.made++ % perSession === 0) {
      this.task = below(actionsCount);
      await this.open(now);
    }
    const situated = this.situated(now, below);
    const { call } = situated;
    const action = this.bundle.catalogue.find(call.upstream, call.method, call.name);
    const resources = [{ type: 'tool', id: call.name }];
    const terms = { argumentType: this.bundle.argumentsOf(action, call.upstream, call.name), units: this.bundle.catalogue.units };
    const seen = decisionInputs(situated, action.name, resources, terms, now);
    const question = questionOf(this.bundle.temporal, seen, [], situated.session.state.id, now);
    this.history.forgetBefore(now - this.bundle.temporal.monitor.horizonMs);
    const inputs = { ...seen, context: { ...seen.context, temporal: Object.fromEntries(this.bundle.temporal.monitor.ask(this.history, question.event, question.present)) } };
    const decision = evaluate(inputs, this.bundle);
    await this.record({ ...situated, action, resources, digest: `sha256:${randomBytes(32).toString('hex')}`, decision, inputs }, now);
  }

  async record(decided, now) {
    const { id, decision, call } = decided;
    const deadline = now + 60_000;
    if (decision.outcome === 'deny') return this.append({ kind: 'refusal', id, at: now, body: reachedBody(decided, undefined, { code: 'denied' }) }, payloadOf(decided, { error: { code: 'denied', message: 'policy does not allow this' } }));
    if (decision.outcome === 'step_up') return this.append({ kind: 'hold', id, at: now, deadline, body: decidedBody(decided) }, payloadOf(decided));
    const intent = await this.append({ kind: 'intent', id, at: now, deadline, body: intentBody({ ...decided, effectiveArgs: call.args, grant: { approvals: [] } }) }, payloadOf(decided, { effectiveArgs: call.args }));
    return this.append({ kind: 'outcome', at: now + 1, settles: intent.id, body: { session: this.session.state.id, action: decided.action.name, effect: this.made % 50 === 0 ? 'failed' : 'succeeded', answer: 'result', findings: [] } });
  }
}

/** Fills an empty store; returns the number of entries. */
export async function fillRecord(pool, { decisions, policies, progress }) {
  const files = bundleFiles(policies);
  const bundle = compileBundle(files);
  const writer = new Writer(pool);
  const below = randomNumbers(11);
  const firstMs = Date.now() - Math.ceil(decisions / identitiesCount) * stepMs - 60_000;
  const activation = { salt: randomBytes(16).toString('base64'), content: JSON.stringify(files) };
  await writer.add({ v: 1, tenant, id: timeId(firstMs - 1), kind: 'bundle.activated', at: firstMs - 1, streams: [{ stream: `bundle:${bundle.digest}`, version: 1 }], payload: payloadDigest(activation), body: { bundle: bundle.digest, files: Object.keys(files) } }, activation);
  const actors = bundle.identities.map((identity) => new Actor(identity, bundle, writer));
  for (let made = 0; made < decisions; made++) {
    const turn = Math.floor(made / actors.length);
    const who = made % actors.length;
    await actors[who].act(firstMs + turn * stepMs + who * 2, below);
    if (made % 20_000 === 0) progress(made);
  }
  await writer.flush();
  return writer.index;
}
