import { claimsOf, headerOf, isJws, isSignedBy } from '../jose.mjs';
import { equal, expect, NotApplicable } from '../verdicts.mjs';
import { isTime, isUnguessable } from '../world.mjs';

const section = 'Completion Semantics';
const actions = ['request', 'retry', 'none'];

/** A denial of an evaluation that brought an approval: it says what to do, and what it says is possible. */
function told(answer) {
  equal(answer.decision, false, 'decision');
  const { next_action: next, access_request: hint } = answer.context ?? {};
  expect(next === undefined || actions.includes(next), `\`next_action\` is ${next}`);
  expect(next !== 'request' || isTime(hint?.expires_at), '`next_action` is request, but there is nothing to request with');
}

const other = ({ id, ...more }) => ({ ...more, id: `${id}-other` });

/** What an approval does not cover, by what is swapped. */
const swaps = {
  subject: (request) => ({ ...request, subject: other(request.subject) }),
  resource: (request) => ({ ...request, resource: other(request.resource) }),
  'resource type': (request) => ({ ...request, resource: { ...request.resource, type: `${request.resource.type}-other` } }),
  'resource properties': (request) => ({ ...request, resource: { ...request.resource, properties: { ...request.resource.properties, added: 1 } } }),
  action: (request) => ({ ...request, action: { ...request.action, name: `${request.action.name}-other` } }),
  'action properties': (request) => ({ ...request, action: { ...request.action, properties: { ...request.action.properties, added: null } } }),
};

const stated = (approval) => {
  if (!isJws(approval.state)) throw new NotApplicable('the approval has no `state` that is a JWS');
  return approval.state;
};

const swapped = Object.entries(swaps).map(([what, swap], index) => ({
  id: `C4.${index + 1}`,
  section: `${section}; Approval Reference Substitution`,
  level: 'MUST NOT',
  what: `an approval permits nothing with another ${what}, whether it comes whole or by its id`,
  run: async (world) => {
    const { request, approval } = await world.approved();
    for (const shown of [approval, ...(approval.state === undefined ? [] : [{ ...approval, state: undefined }])]) told(await world.reevaluate(swap(request), shown));
    equal((await world.reevaluate(request, approval)).decision, true, 'decision on what was approved');
  },
}));

export const checks = [
  {
    id: 'C1',
    section: `Completed Task Response; ${section}`,
    level: 'MUST',
    what: 'an approved task says how it is completed: by asking again, with an approval that has an id and an end',
    run: async (world) => {
      const { ended, approval } = await world.approved();
      equal(ended.result.mode, 'reevaluate', '`result.mode`');
      expect(typeof approval.id === 'string' && isTime(approval.approved_until) && Date.parse(approval.approved_until) > Date.now(), JSON.stringify(approval));
      expect(approval.approved_at === undefined || isTime(approval.approved_at), `\`approved_at\` is ${approval.approved_at}`);
    },
  },
  {
    id: 'C2',
    section,
    level: 'MUST',
    what: 'an approval\'s id is nothing that can be guessed, and not the task\'s',
    run: async (world) => {
      const [one, two] = [await world.approved(), await world.approved()];
      expect(isUnguessable(one.approval.id) && one.approval.id !== two.approval.id, `${one.approval.id} and ${two.approval.id}`);
      expect(one.approval.id !== one.task.id, 'it is the task\'s id');
      told(await world.reevaluate(one.request, { ...one.approval, id: one.task.id, state: undefined }));
    },
  },
  {
    id: 'C3',
    section,
    level: 'MUST',
    what: 'what was approved is permitted when it is asked for again with the approval',
    run: async (world) => {
      const { request, approval } = await world.approved();
      const answer = await world.reevaluate(request, approval);
      equal(answer.decision, true, 'decision');
      const named = answer.context?.approval;
      expect(named === undefined || (named.id === approval.id && (named.approved_until === undefined || Date.parse(named.approved_until) <= Date.parse(approval.approved_until))), `the answer names ${JSON.stringify(named)}`);
    },
  },
  ...swapped,
  {
    id: 'C4.7',
    section: `${section}; Terminology (Authorization-Relevant Context)`,
    level: 'MUST NOT',
    what: 'an approval permits nothing when context that decides is another, or is missing',
    run: async (world) => {
      const [member] = world.target.relevant_context ?? [];
      if (member === undefined) throw new NotApplicable('no context member decides, says the description');
      const { request, approval } = await world.approved('contextual');
      const { [member]: value, ...rest } = request.context;
      const another = typeof value === 'number' ? value * 10 : `${value}-other`;
      told(await world.reevaluate({ ...request, context: { ...rest, [member]: another } }, approval));
      // Without it, policy may not even ask any more; but then it is not this approval that permits.
      const without = await world.reevaluate({ ...request, context: rest }, approval);
      expect(without.decision === false || without.context?.approval === undefined, 'the approval permitted without the member');
      equal((await world.reevaluate(request, approval)).decision, true, 'decision on what was approved');
    },
  },
  {
    id: 'C5',
    section: `${section}; Approval Reference Substitution`,
    level: 'MUST NOT',
    what: 'an approval that nobody gave permits nothing',
    run: async (world) => {
      const { request } = await world.open();
      const made = { id: crypto.randomUUID(), approved_at: new Date().toISOString(), approved_until: new Date(Date.now() + 600_000).toISOString() };
      told(await world.reevaluate(request, made));
      for (const nonsense of ['yes', true, null, {}, [made], { ...made, id: ['x'] }, { ...made, id: '__proto__' }]) {
        const { access_evaluation_endpoint: endpoint } = await world.metadata();
        const answer = await world.http(endpoint, { method: 'POST', body: { ...request, context: { ...request.context, approval: nonsense } } });
        expect(answer.status >= 400 || answer.json?.decision === false, `${JSON.stringify(nonsense)} was permitted`);
      }
    },
  },
  {
    id: 'C6',
    section,
    level: 'MUST',
    what: 'an approval\'s id and its state have to be of one approval',
    run: async (world) => {
      const [one, two] = [await world.approved(), await world.approved()];
      stated(one.approval);
      told(await world.reevaluate(one.request, { ...one.approval, state: two.approval.state }));
      told(await world.reevaluate(two.request, { ...one.approval, state: two.approval.state }));
    },
  },
  {
    id: 'C7',
    section: `${section}; Approval Reference Substitution`,
    level: 'MUST',
    what: 'a state that was tampered with, or that somebody else signed, permits nothing',
    run: async (world) => {
      const { request, approval } = await world.approved();
      stated(approval);
      for (const [how, state] of Object.entries(await world.forgeries(approval.state))) {
        const answer = await world.reevaluate(request, { ...approval, state });
        expect(answer.decision === false, `a state ${how} permitted`);
        told(answer);
      }
    },
  },
  {
    id: 'C8',
    section,
    level: 'MUST',
    what: 'a state says who signed it and for whom, and a published key made its signature',
    run: async (world) => {
      const { approval } = await world.approved();
      const { iss, aud } = claimsOf(stated(approval));
      expect(typeof iss === 'string' && [aud].flat().some((one) => typeof one === 'string' && one !== ''), `iss ${iss}, aud ${JSON.stringify(aud)}`);
      expect(await isSignedBy(approval.state, await world.jwks()), 'no published key made the signature');
      expect(typeof headerOf(approval.state).kid === 'string', 'it does not name its key');
    },
  },
  {
    id: 'C9',
    section,
    level: 'MUST',
    what: 'a state for another decision point, or of an issuer whose key it is not, permits nothing',
    run: async (world) => {
      world.needs('signState');
      const { request, approval } = await world.approved();
      stated(approval);
      for (const change of [{ aud: 'https://another.example' }, { aud: undefined }, { iss: 'https://another.example' }]) {
        const { state } = await world.target.signState({ state: approval.state, change });
        told(await world.reevaluate(request, { ...approval, state }));
      }
    },
  },
  {
    id: 'C10',
    section: `${section}; Approval Reference Substitution`,
    level: 'MUST',
    what: 'an approval is good for the caller who asked, and for no other',
    run: async (world) => {
      const { request, approval } = await world.approved();
      told(await world.reevaluate(request, approval, { who: 'stranger' }));
      equal((await world.reevaluate(request, approval)).decision, true, 'decision for the caller who asked');
    },
  },
  {
    id: 'C11',
    section: `${section}; Approval Replay`,
    level: 'MUST',
    what: 'an approval whose time is over permits nothing, and what to do then is said',
    run: async (world) => {
      const { request, approval } = await world.approved(world.target.cases?.brief ? 'brief' : 'requestable');
      await world.past(approval.approved_until, 'the approval');
      told(await world.reevaluate(request, approval));
      told(await world.reevaluate(request, { ...approval, approved_until: new Date(Date.now() + 3_600_000).toISOString() }));
    },
  },
  {
    id: 'C12',
    section,
    level: 'MUST',
    what: 'an approval that was taken back permits nothing, though its time is not over',
    run: async (world) => {
      world.needs('revoke');
      const { request, approval, task } = await world.approved();
      await world.target.revoke({ task, approval });
      told(await world.reevaluate(request, approval));
    },
  },
  {
    id: 'C13',
    section: `${section}; PDP Processing Rules`,
    level: 'MUST',
    what: 'an approval does not override what policy forbids by then',
    run: async (world) => {
      world.needs('tighten');
      const { request, approval } = await world.approved();
      const undo = await world.target.tighten({ request });
      try {
        told(await world.reevaluate(request, approval));
      } finally {
        await (typeof undo === 'function' ? undo() : world.target.loosen?.({ request }));
      }
    },
  },
  {
    id: 'C14',
    section,
    level: 'MUST',
    what: 'volatile context does not void an approval',
    run: async (world) => {
      const [member] = world.target.volatile_context ?? [];
      if (member === undefined) throw new NotApplicable('the description names no volatile context');
      const { request, approval } = await world.approved('volatile');
      equal((await world.reevaluate({ ...request, context: { ...request.context, [member]: `${request.context[member]}-later` } }, approval)).decision, true, 'decision');
    },
  },
  {
    id: 'C15',
    section,
    level: 'MUST',
    what: 'a denial that tells to request again brings what a request needs, and that can be submitted',
    run: async (world) => {
      const { request, approval } = await world.approved();
      const answer = await world.reevaluate(swaps.resource(request), approval);
      told(answer);
      const asking = world.seen.denials.filter(({ context }) => context?.next_action === 'request');
      if (asking.length === 0) throw new NotApplicable('no denial says `next_action` request');
      for (const { context } of asking) expect(isTime(context.access_request?.expires_at), 'a denial says request, without `access_request`');
      if (answer.context.next_action === 'request') {
        const { denialOf } = await import('../world.mjs');
        const again = await world.submit(world.body({ request: swaps.resource(request), denial: denialOf(answer) }));
        expect([201, 202].includes(again.status), `the new request was answered with ${again.status}: ${again.text.slice(0, 200)}`);
      }
    },
  },
];
