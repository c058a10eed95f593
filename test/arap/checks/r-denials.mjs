import { createHash } from 'node:crypto';
import { claimsOf, isJws } from '../jose.mjs';
import { equal, expect, NotApplicable } from '../verdicts.mjs';
import { isHttps, isTime } from '../world.mjs';

const section = 'Requestable Denial Context';
const integrity = 'Binding Token Integrity';
const urls = ['endpoint', 'form_url', 'request_schema_url', 'request_catalogs_url'];
const machinery = ['access_request', 'evaluation_id', 'evaluated_at', 'reason'];

async function claims(world, name) {
  const found = await world.denial(name);
  if (!isJws(found.hint.binding_token)) throw new NotApplicable('the product signs no `binding_token` as a JWS');
  return { ...found, claims: claimsOf(found.hint.binding_token) };
}

const withoutActor = ({ properties: { act: _act, ...properties } = {}, ...subject }) => ({ ...subject, ...(Object.keys(properties).length > 0 && { properties }) });
const pick = (value = {}, names = []) => Object.fromEntries(names.filter((name) => Object.hasOwn(value, name)).map((name) => [name, value[name]]));
/** RFC 8785 for what cases contain: members in order, as JSON writes them. */
const canonical = (value) => JSON.stringify(value, (_key, inner) => (inner !== null && typeof inner === 'object' && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1))) : inner));

export const checks = [
  {
    id: 'R1',
    section: 'Requestable Denial Context; Denial Remains Denial',
    level: 'MUST',
    what: 'what can be requested is a denial, and is marked as one that can be requested',
    run: async (world) => void (await world.denial()),
  },
  {
    id: 'R2',
    section,
    level: 'MUST',
    what: 'a requestable denial says until when, in RFC 3339, and that is not over',
    run: async (world) => {
      const { hint } = await world.denial();
      expect(isTime(hint.expires_at), `\`expires_at\` is ${JSON.stringify(hint.expires_at)}`);
      expect(Date.parse(hint.expires_at) > Date.now(), `\`expires_at\` is over: ${hint.expires_at}`);
    },
  },
  {
    id: 'R3',
    section,
    level: 'MUST NOT',
    what: 'a denial that nobody can ask about is not marked',
    run: async (world) => {
      const answer = await world.evaluate(world.case('forbidden'));
      expect(answer.decision === false, 'the forbidden request was permitted');
      expect(answer.context?.access_request === undefined, 'the forbidden request is said to be requestable');
    },
  },
  {
    id: 'R4',
    section: 'Requestable Denial Context; PDP Processing Rules',
    level: 'MUST NOT',
    what: 'a permission is not marked',
    run: async (world) => {
      const answer = await world.evaluate(world.case('allowed'));
      expect(answer.decision === true, 'the allowed request was denied');
      expect(answer.context?.access_request === undefined, 'a permission carries `access_request`');
    },
  },
  {
    id: 'R5',
    section,
    level: 'MUST',
    what: 'a requestable denial can be bound to: it has a binding token or an evaluation id',
    run: async (world) => {
      const { hint, answer } = await world.denial();
      const [token, id] = [hint.binding_token, answer.context.evaluation_id];
      expect([token, id].some((value) => typeof value === 'string' && value !== ''), 'it has neither');
    },
  },
  {
    id: 'R6',
    section: 'Evaluation Identifier',
    level: 'MUST',
    what: 'two evaluations have two ids while the first can still be submitted',
    run: async (world) => {
      const request = world.case('requestable');
      const [one, two] = [await world.denial('requestable', { request }), await world.denial('requestable', { request })];
      const [left, right] = [one.answer.context.evaluation_id, two.answer.context.evaluation_id];
      if (left === undefined && right === undefined) throw new NotApplicable('the product tells no `evaluation_id`');
      expect(left !== right, `both are ${left}`);
    },
  },
  {
    id: 'R7',
    section,
    level: 'MUST',
    what: 'every address in a requestable denial is https',
    run: async (world) => {
      const { hint } = await world.denial();
      const plain = urls.filter((name) => hint[name] !== undefined && !isHttps(hint[name]));
      expect(plain.length === 0, `not https: ${plain.map((name) => `${name}=${hint[name]}`).join(', ')}`);
    },
  },
  {
    id: 'R8',
    section: 'PDP Processing Rules',
    level: 'MUST',
    what: 'who offers catalogues offers the schema that they belong to',
    run: async (world) => {
      const { hint } = await world.denial();
      expect(hint.request_catalogs_url === undefined || hint.request_schema_url !== undefined, '`request_catalogs_url` comes without `request_schema_url`');
    },
  },
  {
    id: 'R9',
    section: 'PDP Processing Rules',
    level: 'SHOULD',
    what: 'a requestable denial has a reason that machines can read, and an evaluation id',
    run: async (world) => {
      const { answer } = await world.denial();
      expect(/^\S{1,100}$/.test(answer.context.reason ?? ''), `\`reason\` is ${JSON.stringify(answer.context.reason)}`);
      expect(typeof answer.context.evaluation_id === 'string', 'there is no `evaluation_id`');
    },
  },
  {
    id: 'R10',
    section: 'Machine-Readable Forms',
    level: 'SHOULD',
    what: 'the request schema can be fetched and is a JSON Schema',
    run: async (world) => {
      const { hint } = await world.denial();
      if (hint.request_schema_url === undefined) throw new NotApplicable('the denial names no schema');
      const { status, json } = await world.http(hint.request_schema_url);
      expect(status === 200 && json !== null && typeof json === 'object' && (json.type === 'object' || json.properties || json.$ref || json.allOf || json.anyOf), `it was answered with ${status}: ${JSON.stringify(json)?.slice(0, 100)}`);
    },
  },
  {
    id: 'R11',
    section: integrity,
    level: 'MUST',
    what: 'a binding token is for named recipients',
    run: async (world) => {
      const { claims: { aud } } = await claims(world);
      expect([aud].flat().length > 0 && [aud].flat().every((one) => typeof one === 'string' && one !== ''), `\`aud\` is ${JSON.stringify(aud)}`);
    },
  },
  {
    id: 'R12',
    section: integrity,
    level: 'SHOULD',
    what: 'a binding token says who made it, when, until when, and which it is',
    run: async (world) => {
      const { claims: { iss, iat, exp, jti } } = await claims(world);
      expect(typeof iss === 'string' && typeof jti === 'string' && Number.isFinite(iat) && Number.isFinite(exp) && exp > iat, `iss ${iss}, iat ${iat}, exp ${exp}, jti ${jti}`);
      const again = await claims(world);
      expect(again.claims.jti !== jti, 'two tokens have one `jti`');
    },
  },
  {
    id: 'R13',
    section: `${section}; ${integrity}`,
    level: 'MUST',
    what: 'a binding token protects the time until which the denial can be asked about',
    run: async (world) => {
      const { claims: { denial_expires_at: protectedAt, exp }, hint } = await claims(world);
      const bounded = Number.isFinite(exp) && exp * 1_000 <= Date.parse(hint.expires_at) + 999;
      expect(protectedAt === hint.expires_at || (protectedAt === undefined && bounded), `the token says ${JSON.stringify(protectedAt)} and exp ${exp}, the denial ${hint.expires_at}`);
    },
  },
  {
    id: 'R14',
    section: 'Terminology (Authorization-Relevant Context); Binding Token Integrity',
    level: 'MUST',
    what: 'a binding token names the context members that it binds, when any member is one that decides',
    run: async (world) => {
      const { claims: found, request } = await claims(world, 'contextual');
      const members = found.binding_context_members;
      expect(Array.isArray(members) && members.every((name) => typeof name === 'string'), `\`binding_context_members\` is ${JSON.stringify(members)}`);
      const missing = (world.target.relevant_context ?? []).filter((name) => Object.hasOwn(request.context ?? {}, name) && !members.includes(name));
      expect(missing.length === 0, `missing: ${missing.join(', ')}`);
      expect(!members.some((name) => machinery.includes(name)), `the profile's own members are in it: ${members.join(', ')}`);
    },
  },
  {
    id: 'R15',
    section: integrity,
    level: 'MUST',
    what: 'a binding token binds what was asked: inline as it was, or as the hash that the profile defines',
    run: async (world) => {
      const { claims: found, request } = await claims(world, world.target.cases?.contextual ? 'contextual' : 'requestable');
      const context = pick(request.context, found.binding_context_members);
      if (found.binding_hash !== undefined) {
        const bytes = canonical({ subject: withoutActor(request.subject), resource: request.resource, action: request.action, context });
        return equal(found.binding_hash, createHash('sha256').update(bytes).digest('base64url'), '`binding_hash`');
      }
      if (found.subject === undefined && found.evaluation_id !== undefined) throw new NotApplicable('the token binds by the evaluation it names');
      equal(withoutActor(found.subject), withoutActor(request.subject), 'subject');
      equal(found.resource, request.resource, 'resource');
      equal(found.action, request.action, 'action');
      equal(pick(found.context, found.binding_context_members), context, 'context');
    },
  },
];
