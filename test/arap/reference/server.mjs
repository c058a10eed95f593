import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { evaluate } from './pdp.mjs';
import { approve, end, Problem, submit, view } from './requests.mjs';
import { jwk, published, State } from './state.mjs';

const secret = 'a secret of both sides';
const callback = 'https://pep.reference.example/callbacks';
const signature = (text) => createHmac('sha256', secret).update(text).digest('hex');
const items = [{ value: 'cc-1', label: 'One' }, { value: 'cc-2', label: 'Two' }, { value: 'cc-3', label: 'Three' }];
const hidden = 'cc-hidden';
const other = 'cc-of-vaults';

/** The reference as a target, on the loopback address. */
export async function createReference({ wrong = [], tamper } = {}) {
  const state = new State(wrong);
  const server = createServer((request, response) => void answer(state, request, response));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const of = ({ task }) => state.tasks.get(task.id);
  const told = (how) => async (given) => {
    how(given);
    await notify(state, of(given));
  };
  return {
    name: 'reference',
    url: published,
    connect_to: { [published]: origin },
    tokens: { pep: 'token-pep', again: 'token-again', stranger: 'token-stranger', outsider: 'token-stranger' },
    skew_seconds: 0,
    cases: cases(),
    relevant_context: ['amount'],
    volatile_context: ['time'],
    actor: { id: 'assistant', issuer: 'https://agents.example', type: 'ai_agent' },
    approvers: ['ann-the-approver'],
    augment: { context: { cost_center: 'cc-1' } },
    callback: { endpoint: callback },
    hidden_catalog_value: hidden,
    other_catalog_value: other,
    approve: told((given) => approve(state, of(given), given.item)),
    refuse: told((given) => end(state, of(given), 'denied', given.item)),
    approveIneligibly: async (given) => (state.is('approvers are eligible') ? approve(state, of(given)) : undefined),
    revoke: async ({ approval }) => void (state.approvals.get(approval.id).revoked = true),
    tighten: async ({ request }) => {
      state.forbidden.add(request.resource.id);
      return () => void state.forbidden.delete(request.resource.id);
    },
    retire: async ({ value }) => {
      state.retired.add(value);
      return () => void state.retired.delete(value);
    },
    passTime: async ({ ms }) => void (state.offsetMs += ms),
    signBinding: async ({ token, change }) => ({ token: await state.sign({ ...claimsIn(token), ...change }) }),
    signState: async ({ state: known, change }) => ({ state: await state.sign({ ...claimsIn(known), ...change }) }),
    callbacks: async () => state.callbacks,
    verifyCallback: async ({ headers, text }) => headers['x-signature'] === signature(text),
    record: async ({ task }) => (state.is('the record is kept') ? {} : { denial: of({ task }).items[0].denial, request: of({ task }), approval: of({ task }).items[0].approval, result: true }),
    tamper,
    stop: async () => server.close().closeAllConnections(),
  };
}

const cases = () => {
  const user = { type: 'user', id: 'alice-{{mark}}' };
  const read = { name: 'can_read' };
  const report = { type: 'report', id: 'report-{{mark}}', properties: { owner: 'bob' } };
  return {
    requestable: { subject: user, resource: report, action: read },
    contextual: { subject: user, resource: report, action: read, context: { amount: 100, case: 'c1' } },
    volatile: { subject: user, resource: report, action: read, context: { amount: 100, time: 'now' } },
    actor: { subject: { ...user, properties: { team: 'a', act: { iss: 'https://agents.example', sub: 'assistant' } } }, resource: report, action: read },
    brief: { subject: user, resource: { ...report, type: 'brief' }, action: read },
    forbidden: { subject: user, resource: { type: 'secret', id: 'secret-{{mark}}' }, action: read },
    allowed: { subject: user, resource: { type: 'public', id: 'public-{{mark}}' }, action: read },
    obliged: { subject: user, resource: { type: 'public', id: 'public-{{mark}}' }, action: { name: 'can_export' } },
  };
};

const claimsIn = (jws) => JSON.parse(Buffer.from(jws.split('.')[1], 'base64url').toString());

/** A completed task is told to who asked for it; the receiver is in this process. */
async function notify(state, task) {
  const { task: shown } = await view(state, task);
  if (task.callback === undefined || shown.status === 'pending') return;
  const body = { ...(!state.is('callbacks: state') && { state: task.callback.state }), ...(!state.is('callbacks: task') && { task: shown }), ...(state.is('callbacks: task') && { task: { id: shown.id } }) };
  const text = JSON.stringify(body);
  state.callbacks.push({ headers: state.is('callbacks: signed') ? {} : { 'x-signature': signature(text) }, text, body });
}

async function answer(state, request, response) {
  const send = (status, value, headers = {}) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
  try {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    if (state.is('numbers are numbers') && /:\d+\.0[,}]/.test(text)) throw new Problem('malformed', 'expected whole numbers');
    await route(state, request, text === '' ? undefined : JSON.parse(text), send);
  } catch (error) {
    if (!(error instanceof Problem)) return send(500, { error: error.message });
    const type = state.is('problems have their type') ? 'application/json' : 'application/problem+json';
    send(error.status, { type: error.type, title: error.message, status: error.status }, { 'content-type': type, ...(error.status === 401 && { 'www-authenticate': 'Bearer' }) });
  }
}

async function route(state, request, body, send) {
  const url = new URL(request.url, published);
  const [, first, id, verb] = url.pathname.split('/');
  if (url.pathname === '/.well-known/authzen-configuration') return send(200, { policy_decision_point: published, access_evaluation_endpoint: `${published}/evaluation`, access_request_endpoint: `${published}/requests`, jwks_uri: `${published}/jwks`, capabilities: ['urn:openid:authzen:capability:access-request'], supported_obligations: ['notification'] });
  if (first === 'jwks') return send(200, { keys: [jwk] });
  const caller = state.is('tokens are one caller\'s') && /token-again/.test(request.headers.authorization ?? '') ? { id: 'again', actors: [] } : state.callers[/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]] ?? (state.is('callers are known') ? state.callers['token-pep'] : undefined);
  if (!caller && !(first === 'catalog' && state.is('catalogues are for callers'))) throw new Problem('unauthorized', 'expected a token');
  if (first === 'evaluation') return send(200, await evaluate(state, body, caller));
  if (first === 'schema') return send(200, { type: 'object', properties: { context: { type: 'object' } } });
  if (first === 'catalogs') return send(200, { fields: { '/context/cost_center': { endpoint: `${published}/catalog` } } });
  if (first === 'catalog') {
    if (!state.holds('catalogues: caller', caller?.id !== 'stranger')) throw new Problem('forbidden', 'this catalogue is not for you');
    return send(200, page(state, url.searchParams));
  }
  if (first === 'requests' && id === undefined) return created(await view(state, await submit(state, body, caller, request.headers['idempotency-key'])), send);
  const task = state.tasks.get(id);
  if (first !== 'requests' || !task || !state.holds('tasks: caller', task.caller === caller.id || (verb === 'cancel' && state.is('cancel: caller')))) throw new Problem('unknown_task', 'no such task');
  if (verb === 'cancel') cancel(state, task);
  send(200, await view(state, task));
}

const created = (seen, send) => send(202, seen, { location: seen.task.status_endpoint });

function cancel(state, task) {
  const before = task.items.some(({ status }) => status === 'pending');
  if (!state.holds('cancel: state', before)) throw new Problem('invalid_task_state', 'it has ended');
  if (!state.is('cancel: works')) end(state, task, 'cancelled');
}

function page(state, query) {
  const all = [...items.filter(({ value }) => state.holds('catalogues: now', !state.retired.has(value))), ...(state.is('catalogues hide') ? [{ value: hidden, label: 'Hidden' }] : []), ...(state.is('catalogues: one denial') ? [{ value: other, label: 'Of vaults' }] : [])];
  const from = Number(query.get('cursor') ?? 0);
  const to = from + Number(query.get('limit') ?? 10);
  return { items: all.slice(from, to), ...(to < all.length && { next_cursor: String(state.is('catalogues have pages') ? 0 : to) }) };
}
