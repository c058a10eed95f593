import { isIP } from 'node:net';
import { claimedChain } from './actors.mjs';
import { published, same, service, time, tuple, unguessable } from './state.mjs';

const statusOf = { not_requestable: 400, expired_denial: 410, invalid_denial_binding: 400, duplicate_request: 409, unknown_task: 404, task_expired: 410, invalid_task_state: 409, malformed: 400, forbidden: 403, unauthorized: 401 };

export class Problem extends Error {
  constructor(type, detail) {
    super(detail);
    this.type = type.includes(':') ? type : `urn:openid:authzen:access-request:error:${type}`;
    this.status = statusOf[type];
  }
}

export const taskMs = (request) => (request.resource.type === 'brief' ? 3_000 : 60_000);
const approvalMs = (request) => (request.resource.type === 'brief' ? 3_000 : 600_000);

export async function submit(state, body, caller, key) {
  shape(state, body);
  const text = canonical(body);
  const slot = key === undefined ? undefined : state.is('keys belong to callers') ? key : `${caller.id} ${key}`;
  const known = slot === undefined ? undefined : state.idempotency.get(slot);
  if (known && state.holds('keys: same body', known.text === text)) {
    if (!state.is('keys: same task')) return known.task;
  } else if (known) throw new Problem('duplicate_request', 'the key was used with another body');
  claimedChain(state, body.client?.actor, caller);
  checkCallback(state, body.callback);
  checkCatalog(state, body);
  const asked = (body.items ?? [body]).map(({ resource, action, denial }) => ({ request: { subject: body.subject, resource, action, context: body.context }, denial: denial ?? body.denial }));
  const [first] = asked;
  const items = [];
  for (const { request, denial } of state.is('bulk: every item') || (state.is('one bundle for all') && body.denial) ? [first] : asked) items.push(await bindingOf(state, request, denial, caller));
  for (const { jti } of items) state.tokens.add(jti);
  const task = { id: state.is('task ids are unguessable') ? `task-${state.tasks.size + 1}` : unguessable(), caller: caller.id, bulk: body.items !== undefined, items: asked.map(({ request, denial }) => ({ request, denial, status: 'pending', untilMs: state.now() + taskMs(request) })), callback: body.callback };
  if (state.is('nothing approves itself') && body.requested_access?.emergency) approve(state, task);
  state.tasks.set(task.id, task);
  if (slot !== undefined) state.idempotency.set(slot, { text, task });
  return task;
}

const object = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const canonical = (value) => JSON.stringify(value, (_key, inner) => (object(inner) ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1))) : inner));

function shape(state, body) {
  if (!object(body) || !object(body.subject)) throw new Problem('malformed', 'expected a subject');
  const { items, resource, action } = body;
  if (items !== undefined && (!Array.isArray(items) || items.length === 0)) throw new Problem('malformed', 'expected items');
  if (!state.holds('items exclude resource and action', items === undefined || (resource === undefined && action === undefined))) throw new Problem('malformed', 'expected items or a resource with an action');
  for (const one of items ?? [body]) if (!object(one.resource) || !object(one.action)) throw new Problem('malformed', 'expected a resource and an action');
  if (state.is('unknown members are ignored') && Object.keys(body.client ?? {}).some((name) => !['id', 'name', 'actor', 'source'].includes(name))) throw new Problem('malformed', 'unknown member');
}

async function bindingOf(state, request, denial, caller) {
  if (!object(denial) || (denial.binding_token === undefined && denial.evaluation_id === undefined)) {
    if (state.is('a denial is needed')) return {};
    throw new Problem('invalid_denial_binding', 'nothing binds this');
  }
  if (denial.expires_at === undefined) {
    if (state.is('denial says until when')) return {};
    throw new Problem('invalid_denial_binding', 'expected `expires_at`');
  }
  return denial.binding_token === undefined ? byId(state, request, denial, caller) : byToken(state, request, denial, caller);
}

function byId(state, request, denial, caller) {
  const known = state.evaluations.get(denial.evaluation_id);
  if (!known) {
    if (state.is('ids: known')) return {};
    throw new Problem('invalid_denial_binding', 'nobody made this evaluation');
  }
  if (!state.holds('only what is requestable is taken', known.verdict === 'ask' || (state.is('allowed is requestable') && known.verdict === 'permit'))) throw new Problem('not_requestable', 'this was denied for good');
  if (!state.holds('ids: caller', known.caller === caller.id) || !same(tuple(state, request, 'ids'), tuple(state, known.request, 'ids'))) throw new Problem('invalid_denial_binding', 'this was not what was denied');
  if (!state.holds('ids: end', (state.is('ids: recorded end') ? Date.parse(denial.expires_at) : known.until) > state.now())) throw new Problem('expired_denial', 'too late');
  return {};
}

async function byToken(state, request, denial, caller) {
  let claims;
  try {
    claims = await state.verify(denial.binding_token, service, 'token');
  } catch {
    if (state.is('a bad token is bad') && denial.evaluation_id !== undefined) return byId(state, request, denial, caller);
    throw new Problem('invalid_denial_binding', 'the token is not ours');
  }
  const fits = claims.denial_expires_at === undefined ? claims.exp * 1_000 <= Date.parse(denial.expires_at) : claims.denial_expires_at === denial.expires_at;
  if (!state.holds('token: protected end', fits)) throw new Problem('invalid_denial_binding', 'the end is not protected');
  if (!state.holds('token: caller', state.evaluations.get(claims.evaluation_id)?.caller === caller.id) || !same(tuple(state, request, 'token'), tuple(state, claims, 'token'))) throw new Problem('invalid_denial_binding', 'this was not what was denied');
  if (!state.holds('token: end', Math.min(claims.exp * 1_000 + 999, Date.parse(denial.expires_at)) > state.now())) throw new Problem('expired_denial', 'too late');
  if (!state.holds('token: once', !state.tokens.has(claims.jti))) throw new Problem('invalid_denial_binding', 'this token has its task');
  return { jti: claims.jti };
}

const inside = /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|0\.)|^\[|^localhost$/;

function checkCallback(state, callback) {
  if (callback === undefined) return;
  const { endpoint } = callback;
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const allowed = state.is('callbacks: allowed') ? url?.protocol === 'https:' && url.username === '' && (!inside.test(url.hostname) || state.is('callbacks: inside')) : endpoint === 'https://pep.reference.example/callbacks';
  if (state.is('callbacks: https') ? url?.protocol === 'http:' || allowed : allowed || (state.is('callbacks: inside') && url && (isIP(url.hostname.replace(/[[\]]/g, '')) !== 0 || url.hostname === 'localhost'))) return;
  throw new Problem('malformed', 'this callback is not allowed');
}

function checkCatalog(state, { context }) {
  const value = context?.cost_center;
  if (value === undefined) return;
  const known = ['cc-1', 'cc-2', 'cc-3', ...(state.is('catalogue values: one denial') ? ['cc-of-vaults'] : [])].includes(value);
  if (!state.holds('catalogue values are checked', known) || state.is('no catalogue value is good')) throw new Problem('malformed', 'no such cost centre');
  if (!state.holds('catalogue values: now', !state.retired.has(value))) throw new Problem('malformed', 'this cost centre is gone');
}

/** Brings a task's items up to now. */
export function settle(state, task) {
  for (const item of task.items) if (item.status === 'pending' && item.untilMs <= state.now() && !state.is('tasks expire')) item.status = 'expired';
}

export function approve(state, task, item) {
  settle(state, task);
  for (const one of item === undefined ? task.items : [task.items[item]]) {
    if (one.status !== 'pending' && !state.is('endings are endings')) continue;
    const id = state.is('approval ids are unguessable') ? `approval-${state.approvals.size + 1}` : unguessable();
    one.status = 'approved';
    one.approval = id;
    state.approvals.set(id, { id, caller: task.caller, request: one.request, task: task.id, atMs: state.now(), untilMs: state.now() + approvalMs(one.request), revoked: false });
  }
}

export function end(state, task, status, item) {
  settle(state, task);
  for (const one of item === undefined ? task.items : [task.items[item]]) if (one.status === 'pending') one.status = status;
}

/** Pending while an item is; what all of them are; partial otherwise. */
export function aggregate(state, { items }) {
  const kinds = new Set(items.map(({ status }) => status));
  if (state.is('bundles add up')) return items[0].status;
  return kinds.has('pending') ? 'pending' : kinds.size === 1 ? [...kinds][0] : 'partial';
}

export async function resultOf(state, { approval: id }) {
  const { atMs, untilMs, task } = state.approvals.get(id);
  const claims = { iss: published, aud: published, approval_id: id, task, exp: Math.floor(untilMs / 1_000) };
  return { mode: 'reevaluate', approval: { id, approved_at: time(atMs), approved_until: time(untilMs), state: await state.sign(claims) } };
}

export async function view(state, task) {
  settle(state, task);
  const status = aggregate(state, task);
  const endpoint = `${published}/requests/${task.id}`;
  const items = task.bulk ? await Promise.all(task.items.map(async (item) => ({ resource: item.request.resource, action: item.request.action, status: item.status, ...(item.status === 'approved' && { result: await resultOf(state, item) }) }))) : undefined;
  const result = !task.bulk && status === 'approved' ? await resultOf(state, task.items[0]) : undefined;
  return { task: { id: task.id, status, status_endpoint: endpoint, expires_at: time(Math.min(...task.items.map(({ untilMs }) => untilMs))), links: { cancel: `${endpoint}/cancel` }, ...(items && { items }) }, ...(result && { result }) };
}
