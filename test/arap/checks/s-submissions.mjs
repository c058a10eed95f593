import { isJws } from '../jose.mjs';
import { equal, expect, NotApplicable } from '../verdicts.mjs';

const section = 'Access Request Submission';
const rules = 'Access Request Service Processing Rules';
const forms = ['token', 'evaluation_id'];
const later = (moment) => new Date(Date.parse(moment) + 3_600_000).toISOString().replace('.000Z', 'Z');
const other = ({ type, id, ...more }) => ({ type, id: `${id}-other`, ...more });

/** What may not be swapped between the denial and the submission, by the member that is swapped. */
const swaps = {
  subject: (body) => ({ ...body, subject: other(body.subject) }),
  'the subject\'s properties': (body) => ({ ...body, subject: { ...body.subject, properties: { ...body.subject.properties, added: true } } }),
  resource: (body) => ({ ...body, resource: other(body.resource) }),
  'the resource\'s type': (body) => ({ ...body, resource: { ...body.resource, type: `${body.resource.type}-other` } }),
  'the resource\'s properties': (body) => ({ ...body, resource: { ...body.resource, properties: { ...body.resource.properties, added: null } } }),
  action: (body) => ({ ...body, action: { ...body.action, name: `${body.action.name}-other` } }),
  'the action\'s properties': (body) => ({ ...body, action: { ...body.action, properties: { ...body.action.properties, added: 1 } } }),
};

async function formed(world, form, name = 'requestable') {
  return world.boundBy(form, name);
}

const bound = forms.flatMap((form) => Object.entries(swaps).map(([what, swap], index) => ({
  id: `S${form === 'token' ? 1 : 2}.${index + 1}`,
  section: `${section}; ${rules}; Confused Deputy and Request Substitution`,
  level: 'MUST',
  what: `bound by ${form === 'token' ? 'its token' : 'its id'}, a denial is good for nothing with another ${what}`,
  run: async (world) => {
    const found = await formed(world, form);
    world.problem(await world.submit(swap(world.body(found))), 'invalid_denial_binding');
    const as = await world.submit(world.body(found));
    expect([201, 202].includes(as.status), `unchanged, it was answered with ${as.status}: ${as.text.slice(0, 200)}`);
  },
})));

const relevant = forms.flatMap((form, index) => [
  ...['changed', 'left out'].map((how, nth) => ({
    id: `S${index + 1}.${8 + nth}`,
    section: `${section}; Terminology (Authorization-Relevant Context)`,
    level: 'MUST',
    what: `bound by ${form === 'token' ? 'its token' : 'its id'}, context that decides cannot be ${how}`,
    run: async (world) => {
      const [member] = world.target.relevant_context ?? [];
      if (member === undefined) throw new NotApplicable('no context member decides, says the description');
      const found = await formed(world, form, 'contextual');
      const body = world.body(found);
      const { [member]: value, ...rest } = body.context;
      const changed = how === 'changed' ? { ...rest, [member]: typeof value === 'number' ? value * 10 : `${value}-other` } : rest;
      world.problem(await world.submit({ ...body, context: changed }), 'invalid_denial_binding');
    },
  })),
]);

export const checks = [
  ...bound,
  ...relevant,
  {
    id: 'S3.1',
    section,
    level: 'MUST',
    what: 'nothing is taken without a denial',
    run: async (world) => {
      const { denial: _denial, ...body } = world.body(await world.denial());
      world.problem(await world.submit(body), 'invalid_denial_binding');
    },
  },
  {
    id: 'S3.2',
    section,
    level: 'MUST',
    what: 'nothing is taken with a denial that has neither token nor id',
    run: async (world) => {
      const found = await world.denial();
      const { binding_token: _token, evaluation_id: _id, ...denial } = found.denial;
      world.problem(await world.submit(world.body({ ...found, denial })), 'invalid_denial_binding');
    },
  },
  {
    id: 'S3.3',
    section,
    level: 'MUST',
    what: 'nothing is taken for an evaluation that nobody made',
    run: async (world) => {
      const found = await formed(world, 'evaluation_id');
      world.problem(await world.submit(world.body({ ...found, denial: { ...found.denial, evaluation_id: `${found.denial.evaluation_id.slice(0, -4)}0000` } })), 'invalid_denial_binding');
    },
  },
  {
    id: 'S3.4',
    section,
    level: 'MUST',
    what: 'a denial says until when it can be asked about',
    run: async (world) => {
      const found = await world.denial();
      const { expires_at: _at, ...denial } = found.denial;
      world.rejected(await world.submit(world.body({ ...found, denial })), 'a denial without `expires_at`');
    },
  },
  {
    id: 'S3.5',
    section: rules,
    level: 'MUST',
    what: 'a binding token that was tampered with, or that somebody else signed, binds nothing',
    run: async (world) => {
      const found = await formed(world, 'token');
      for (const [how, token] of Object.entries(await world.forgeries(found.denial.binding_token))) {
        const answer = await world.submit(world.body({ ...found, denial: { ...found.denial, binding_token: token } }));
        expect(answer.status >= 400, `a token ${how} was taken`);
        world.problem(answer, 'invalid_denial_binding');
      }
    },
  },
  {
    id: 'S3.6',
    section: rules,
    level: 'MUST',
    what: 'an id beside it does not save a bad binding token',
    run: async (world) => {
      const found = await world.denial();
      if (found.denial.binding_token === undefined || found.denial.evaluation_id === undefined) throw new NotApplicable('the product does not give both');
      const [[, token]] = Object.entries(await world.forgeries(found.denial.binding_token));
      world.problem(await world.submit(world.body({ ...found, denial: { ...found.denial, binding_token: token } })), 'invalid_denial_binding');
    },
  },
  {
    id: 'S3.7',
    section: 'Binding Token Integrity',
    level: 'MUST',
    what: 'a binding token for another service, or for none, is refused',
    run: async (world) => {
      world.needs('signBinding');
      const found = await formed(world, 'token');
      if (!isJws(found.denial.binding_token)) throw new NotApplicable('the token is no JWS');
      for (const change of [{ aud: 'https://another.example' }, { aud: undefined }, { aud: [] }]) {
        const { token } = await world.target.signBinding({ token: found.denial.binding_token, change });
        world.problem(await world.submit(world.body({ ...found, denial: { ...found.denial, binding_token: token } })), 'invalid_denial_binding');
      }
      const { token } = await world.target.signBinding({ token: found.denial.binding_token, change: { jti: 'again', aud: [found.hint.aud ?? 'https://another.example', ...[JSON.parse(Buffer.from(found.denial.binding_token.split('.')[1], 'base64url')).aud].flat()] } });
      const many = await world.submit(world.body({ ...found, denial: { ...found.denial, binding_token: token } }));
      expect([201, 202].includes(many.status), `a token for several services, this one among them, was answered with ${many.status}`);
    },
  },
  {
    id: 'S3.8',
    section: 'Binding Token Integrity',
    level: 'MUST',
    what: 'the echoed time is the protected one, or the submission is refused',
    run: async (world) => {
      const found = await formed(world, 'token');
      const answer = await world.submit(world.body({ ...found, denial: { ...found.denial, expires_at: later(found.denial.expires_at) } }));
      world.problem(answer, 'invalid_denial_binding');
    },
  },
  {
    id: 'S3.9',
    section: 'Binding Token Integrity',
    level: 'MUST',
    what: 'the earlier of the token\'s end and the denial\'s counts',
    run: async (world) => {
      world.needs('signBinding');
      const found = await formed(world, 'token');
      const { token } = await world.target.signBinding({ token: found.denial.binding_token, change: { exp: Math.floor(Date.now() / 1_000) - 600 } });
      world.problem(await world.submit(world.body({ ...found, denial: { ...found.denial, binding_token: token } })), 'expired_denial');
    },
  },
  {
    id: 'S3.10',
    section: 'Binding Token Integrity',
    level: 'MUST',
    what: 'a token that protects no end of the denial, and lasts longer than it, binds nothing',
    run: async (world) => {
      world.needs('signBinding');
      const found = await formed(world, 'token');
      const { token } = await world.target.signBinding({ token: found.denial.binding_token, change: { denial_expires_at: undefined, exp: Math.floor(Date.parse(found.denial.expires_at) / 1_000) + 3_600 } });
      world.problem(await world.submit(world.body({ ...found, denial: { ...found.denial, binding_token: token } })), 'invalid_denial_binding');
    },
  },
  ...forms.map((form, index) => ({
    id: `S3.${11 + index}`,
    section: `Requestable Denial Context; ${rules}`,
    level: 'MUST',
    what: `a denial bound by ${form === 'token' ? 'its token' : 'its id'} is not taken when its time is over${form === 'token' ? '' : ', whatever time is echoed'}`,
    run: async (world) => {
      const found = await formed(world, form);
      await world.past(found.hint.expires_at, 'the denial');
      const echoed = form === 'token' ? found.denial : { ...found.denial, expires_at: later(found.denial.expires_at) };
      const answer = await world.submit(world.body({ ...found, denial: echoed }));
      // An echo that is not the recorded time may also be refused as no binding.
      world.problem(answer, ...(form === 'token' ? ['expired_denial'] : ['expired_denial', 'invalid_denial_binding']));
    },
  })),
  {
    id: 'S3.13',
    section: rules,
    level: 'MUST',
    what: 'what was denied for good cannot be asked for',
    run: async (world) => {
      const request = world.case('forbidden');
      const { context } = await world.evaluate(request);
      const denial = { evaluation_id: context?.evaluation_id ?? 'none', expires_at: later(new Date().toISOString()) };
      world.problem(await world.submit(world.body({ request, denial })), 'not_requestable', ...(context?.evaluation_id === undefined ? ['invalid_denial_binding'] : []));
    },
  },
  {
    id: 'S3.14',
    section: rules,
    level: 'MUST',
    what: 'what was permitted cannot be asked for',
    run: async (world) => {
      const request = world.case('allowed');
      const { context } = await world.evaluate(request);
      const denial = { evaluation_id: context?.evaluation_id ?? 'none', expires_at: later(new Date().toISOString()) };
      world.problem(await world.submit(world.body({ request, denial })), 'not_requestable', 'invalid_denial_binding');
    },
  },
  {
    id: 'S4.1',
    section: 'Binding Token Integrity (structural comparison)',
    level: 'MUST',
    what: 'members in another order, and a number written otherwise, are the same request',
    run: async (world) => {
      const found = await world.denial(world.target.cases?.contextual ? 'contextual' : 'requestable');
      const body = world.body(found);
      const backwards = (value) => (Array.isArray(value) ? value.map(backwards) : value !== null && typeof value === 'object' ? Object.fromEntries(Object.entries(value).reverse().map(([name, inner]) => [name, backwards(inner)])) : value);
      const raw = JSON.stringify(backwards(body)).replaceAll(/:(\d+)([,}])/g, ':$1.0$2');
      const answer = await world.submit(undefined, { raw });
      expect([201, 202].includes(answer.status), `it was answered with ${answer.status}: ${answer.text.slice(0, 200)}`);
    },
  },
  {
    id: 'S4.2',
    section: 'Terminology (Authorization-Relevant Context)',
    level: 'MUST',
    what: 'context that does not decide binds nothing: it may differ',
    run: async (world) => {
      const found = await world.denial('volatile');
      const [member] = world.target.volatile_context ?? [];
      if (member === undefined) throw new NotApplicable('the description names no volatile context');
      const answer = await world.submit(world.body({ ...found, request: { ...found.request, context: { ...found.request.context, [member]: `${found.request.context[member]}-later` } } }));
      expect([201, 202].includes(answer.status), `it was answered with ${answer.status}: ${answer.text.slice(0, 200)}`);
    },
  },
  {
    id: 'S4.3',
    section: 'Binding Token Integrity; Delegation and On-Behalf-Of',
    level: 'MUST',
    what: 'an actor in the subject may be left out of the comparison, and only the actor',
    run: async (world) => {
      const found = await world.denial('actor');
      const { properties: { act: _act, ...properties } = {}, ...subject } = found.request.subject;
      const body = world.body(found, { subject: { ...subject, ...(Object.keys(properties).length > 0 && { properties }) }, ...(world.target.actor && { client: { actor: world.target.actor } }) });
      const answer = await world.submit(body);
      expect([201, 202].includes(answer.status), `it was answered with ${answer.status}: ${answer.text.slice(0, 200)}`);
    },
  },
  {
    id: 'S5.1',
    section: 'Extensibility and Profiles (Forward Compatibility)',
    level: 'MUST',
    what: 'members that are unknown where there may be some are ignored',
    run: async (world) => {
      const found = await world.denial();
      const strange = { 'vendor.example.com/foo': { deep: [1] }, 'https://example.com/member': 'x' };
      const body = world.body(found);
      const answer = await world.submit({ ...body, context: { ...body.context, ...strange }, requested_access: { ...body.requested_access, ...strange }, client: { id: 'a client', ...strange, source: { session_id: 's', ...strange } } });
      expect([201, 202].includes(answer.status), `it was answered with ${answer.status}: ${answer.text.slice(0, 200)}`);
    },
  },
  {
    id: 'S5.2',
    section: 'Overbroad Approval; Emergency Access',
    level: 'MUST NOT',
    what: 'what a submission asks for (template, duration, emergency) approves nothing',
    run: async (world) => {
      const found = await world.denial();
      const body = world.body({ ...found, denial: { ...found.denial } });
      const { status, json } = await world.submit({ ...body, requested_access: { ...body.requested_access, emergency: true, requested_until: later(new Date().toISOString()) } });
      if (status >= 400) return;
      expect(json.task.status === 'pending' && json.result === undefined, `it was answered with ${json.task.status}`);
      equal((await world.evaluate(found.request)).decision, false, 'decision while nobody has approved');
    },
  },
  {
    id: 'S6.1',
    section,
    level: 'MUST',
    what: 'one key with two bodies is refused',
    run: async (world) => {
      const key = crypto.randomUUID();
      const [one, two] = [await world.denial(), await world.denial()];
      const first = await world.submit(world.body(one), { key });
      expect([201, 202].includes(first.status), `the first was answered with ${first.status}: ${first.text.slice(0, 200)}`);
      world.problem(await world.submit(world.body(two), { key }), 'duplicate_request');
    },
  },
  {
    id: 'S6.2',
    section,
    level: 'SHOULD',
    what: 'the same submission once more, with its key, has the same task',
    run: async (world) => {
      const key = crypto.randomUUID();
      const body = world.body(await world.denial());
      const [first, again] = [await world.submit(body, { key }), await world.submit(body, { key })];
      equal(again.json?.task?.id, first.json?.task?.id, 'the task of the repetition');
    },
  },
  {
    id: 'S6.3',
    section: 'Idempotency Key Abuse',
    level: 'SHOULD',
    what: 'a key belongs to who uses it: another caller with the same key has a request of its own',
    run: async (world) => {
      const key = crypto.randomUUID();
      const mine = await world.submit(world.body(await world.denial()), { key });
      const theirs = await world.submit(world.body(await world.denial('requestable', { who: 'stranger' })), { key, who: 'stranger' });
      expect(theirs.json?.task?.id !== mine.json?.task?.id, 'it has the task of the first');
      expect(theirs.status !== 409, 'it was refused as a duplicate');
    },
  },
  {
    id: 'S6.4',
    section: 'Binding Token Integrity',
    level: 'SHOULD',
    what: 'a binding token is not good for two tasks',
    run: async (world) => {
      const found = await formed(world, 'token');
      const first = await world.submit(world.body(found));
      const again = await world.submit(world.body(found));
      expect([201, 202].includes(first.status), `the first was answered with ${first.status}`);
      expect(again.status >= 400 || again.json?.task?.id === first.json.task.id, 'the same token opened another task');
    },
  },
];
