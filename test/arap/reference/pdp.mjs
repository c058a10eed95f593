import { denialMs, published, same, service, time, tuple, unguessable } from './state.mjs';

const approvalReasons = { approval_unverifiable: 'none', approval_expired: 'request', out_of_scope: 'request', policy_denied: 'none' };

/** Exports are permitted to who says that it tells the owners, or says nothing of what it can do. */
function exported(state, declared) {
  const known = declared?.filter((type) => type === 'notification' || state.is('unknown obligations are ignored'));
  return known?.length === 0 ? { decision: false } : { decision: true, context: { obligations: [notice] } };
}

/** What the policy says, approvals aside. */
function policy(state, { subject, resource, action }) {
  if (state.forbidden.has(resource.id) || subject.type !== 'user') return 'forbid';
  if (action.name !== 'can_read') return 'forbid';
  return { public: 'permit', report: 'ask', brief: 'ask' }[resource.type] ?? 'forbid';
}

const notice = { id: 'notice-1', type: 'notification', properties: { to: 'owners', body: 'somebody exports' } };

export async function evaluate(state, request, caller) {
  if (request.action.name === 'can_export') return exported(state, request.context?.supported_obligations);
  const verdict = policy(state, request);
  const shown = request.context?.approval;
  if (shown !== undefined) return reevaluate(state, request, caller, shown, verdict);
  if (verdict === 'permit') return permitted(state, request, caller);
  if (state.is('denials are denials') && verdict === 'ask') return { decision: true };
  return denied(state, request, caller, verdict);
}

function permitted(state, request, caller) {
  const id = unguessable();
  state.evaluations.set(id, { request, caller: caller.id, until: state.now() + denialMs, verdict: 'permit' });
  return { decision: true, context: { evaluation_id: id, ...(state.is('permissions are unmarked') && { access_request: {} }) } };
}

async function denied(state, request, caller, verdict, more = {}) {
  const id = state.is('ids differ') ? 'the-one-evaluation-id' : unguessable();
  const until = state.now() + denialMs;
  state.evaluations.set(id, { request, caller: caller.id, until, verdict });
  const plain = { evaluation_id: id, evaluated_at: time(state.now()), reason: verdict === 'ask' ? 'approval_required' : 'forbidden', ...more };
  if (verdict !== 'ask' && !state.is('only requestable denials are marked')) return { decision: false, context: plain };
  const bound = tuple(state, request, 'no');
  const claims = { iss: published, aud: service, iat: Math.floor(state.now() / 1_000), exp: Math.floor(until / 1_000), jti: unguessable(), denial_expires_at: time(until), binding_context_members: Object.keys(bound.context), ...bound, evaluation_id: id };
  return {
    decision: false,
    context: {
      ...plain,
      access_request: { endpoint: `${published}/requests`, template: 'manager', expires_at: time(until), binding_token: await state.sign(claims), request_schema_url: `${published}/schema`, request_catalogs_url: `${published}/catalogs`, display: { title: 'Ask' } },
    },
  };
}

async function reevaluate(state, request, caller, shown, verdict) {
  if (verdict === 'permit') return { decision: true };
  const fault = await faultOf(state, request, caller, shown, verdict);
  if (fault === undefined) return { decision: true, context: { approval: { id: shown.id, approved_until: shown.approved_until } } };
  const next = approvalReasons[fault];
  const marked = next === 'request' && !state.is('a new request brings what it needs');
  return denied(state, request, caller, marked ? verdict : 'none', { reason: fault, next_action: verdict === 'ask' || !marked ? next : 'none' });
}

/** Why an approval does not count here; nothing when it does. */
async function faultOf(state, request, caller, shown, verdict) {
  if (typeof shown?.id !== 'string') return 'approval_unverifiable';
  if (state.is('approvals are verified')) return undefined;
  let { id } = shown;
  if (shown.state !== undefined) {
    try {
      const claims = await state.verify(shown.state, published, 'state');
      if (!state.holds('state: id', claims.approval_id === id)) return 'approval_unverifiable';
      id = state.is('state: id') ? claims.approval_id : id;
    } catch {
      return 'approval_unverifiable';
    }
  }
  const found = state.approvals.get(id) ?? (state.is('approvals have ids of their own') ? state.approvals.get(state.tasks.get(id)?.items[0].approval) : undefined);
  if (!found || !state.holds('approval: caller', found.caller === caller.id)) return 'approval_unverifiable';
  if (!state.holds('approval: end', found.untilMs > state.now()) || !state.holds('approval: revoked', !found.revoked)) return 'approval_expired';
  if (!same(tuple(state, request, 'approval'), tuple(state, found.request, 'approval'))) return 'out_of_scope';
  return state.holds('approval: policy', verdict === 'ask') ? undefined : 'policy_denied';
}
