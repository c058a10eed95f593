// The AuthZEN certification scenario (openid/authzen, certification/authorization-api-1_0-scenario.md) as checks: level,
// section, what is asked, and what must come back. `npm run conformance:authzen` runs them against any decision point.
import { isDeepStrictEqual } from 'node:util';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';

const user = (id, properties) => ({ type: 'user', ...(id && { id }), ...(properties && { properties }) });
const record = (id, properties) => ({ type: 'record', ...(id && { id }), ...(properties && { properties }) });
const action = (name, properties) => ({ name, ...(properties && { properties }) });
const ask = (subject, act, resource, more = {}) => ({ ...(subject && { subject }), ...(act && { action: act }), ...(resource && { resource }), ...more });

const alice = user('alice');
const bob = user('bob');
const read = action('read');
const write = action('write');
const record1 = record('record-1');
const active = record('record-1', { status: 'active' });
const archived = record('record-2', { status: 'archived' });
const admin = user('bob', { role: 'admin' });
const context = { time: '2025-06-27T18:03-07:00', ip: '192.168.1.1' };
const permitted = ask(alice, read, record1);

export function must(what, holds) {
  if (!holds) throw new Error(`expected ${what}`);
}

/** An answer of an API is JSON with status 200 (section 5.2). */
function wellAnswered({ status, headers, json }) {
  must(`status 200, got ${status}`, status === 200);
  must(`content-type application/json, got ${headers['content-type']}`, /^application\/json\s*(;|$)/i.test(headers['content-type'] ?? ''));
  must('a JSON object', typeof json === 'object' && json !== null && !Array.isArray(json));
  return json;
}

function isDecision(value) {
  must('an object with `decision`', typeof value === 'object' && value !== null && 'decision' in value);
  must('`decision` to be a boolean', typeof value.decision === 'boolean');
  must('`context`, if it is there, to be an object', value.context === undefined || (typeof value.context === 'object' && value.context !== null && !Array.isArray(value.context)));
}

const decides = (body, decision) => async (pdp) => {
  const json = wellAnswered(await pdp.post('evaluation', body));
  isDecision(json);
  must(`decision ${decision}, got ${json.decision}`, decision === undefined || json.decision === decision);
};

const decidesAll = (body, decisions) => async (pdp) => {
  const { evaluations } = wellAnswered(await pdp.post('evaluations', body));
  must('`evaluations` as a list', Array.isArray(evaluations));
  must(`${decisions.length} decisions, got ${evaluations.length}`, evaluations.length === decisions.length);
  evaluations.forEach(isDecision);
  const got = evaluations.map(({ decision }) => decision);
  must(`decisions ${decisions.map((each) => each ?? 'any').join(', ')}, got ${got.join(', ')}`, decisions.every((each, index) => each === undefined || each === got[index]));
};

const refuses = (endpoint, body, options) => async (pdp) => {
  const { status } = await pdp.post(endpoint, body, options);
  must(`status 400, got ${status}`, status === 400);
};

const keyOf = ({ type, id, name }) => (name === undefined ? `${type}:${id}` : name);

async function found(pdp, sought, body) {
  const json = wellAnswered(await pdp.post(sought, body));
  must('`results` as a list', Array.isArray(json.results));
  for (const each of json.results) {
    if (sought === 'action') must('each result to have a `name`', typeof each.name === 'string');
    else must(`each result to be a ${body[sought].type} with an id`, each.type === body[sought].type && typeof each.id === 'string');
  }
  return json;
}

const finds = (sought, body, least) => async (pdp) => {
  const keys = (await found(pdp, sought, body)).results.map(keyOf);
  const missing = least.filter((key) => !keys.includes(key));
  must(`results with ${missing.join(', ')}, got ${keys.join(', ') || 'none'}`, missing.length === 0);
};

const findsAs = (sought, body, other, least) => async (pdp) => {
  await finds(sought, body, least)(pdp);
  const [left, right] = [await found(pdp, sought, body), await found(pdp, sought, other)].map(({ results }) => results.map(keyOf).sort());
  must('the same results as without it', isDeepStrictEqual(left, right));
};

const findsNothing = (sought, body) => async (pdp) => {
  const { results } = await found(pdp, sought, body);
  must(`no results, got ${results.map(keyOf).join(', ')}`, results.length === 0);
};

const rows = (level, checks) => checks.map(([section, what, run]) => ({ level, section, what, run }));

const basicCore = rows('Basic Core', [
  ['1.4 rule 2', 'alice writes record-1', decides(ask(alice, write, record1), true)],
  ['1.4 rule 3', 'bob reads record-1', decides(ask(bob, read, record1), true)],
  ['2.2.1', 'a permit', decides(permitted, true)],
  ['2.2.2', 'a deny', decides(ask(bob, write, record1), false)],
  ['2.2.3', 'context changes nothing', decides({ ...permitted, context }, true)],
  ['2.2.8', 'further properties', decides(ask(user('alice', { department: 'Sales', role: 'manager' }), action('read', { method: 'GET' }), record('record-1', { status: 'active', owner: 'bob' })), true)],
  ['2.2.9', 'unknown fields', decides({ ...permitted, foo: 'bar', futureField: { nested: true } }, true)],
  ['2.3.1', 'the answer has a boolean decision', decides(permitted)],
  ['2.3.2', 'the answer\'s context, if any, is an object', decides(ask(bob, write, record1))],
  ['2.4.1', 'no subject', refuses('evaluation', ask(undefined, read, record1))],
  ['2.4.1', 'no action', refuses('evaluation', ask(alice, undefined, record1))],
  ['2.4.1', 'no resource', refuses('evaluation', ask(alice, read))],
  ['2.4.2', 'no subject.type', refuses('evaluation', ask({ id: 'alice' }, read, record1))],
  ['2.4.2', 'no subject.id', refuses('evaluation', ask(user(), read, record1))],
  ['2.4.2', 'no action.name', refuses('evaluation', ask(alice, {}, record1))],
  ['2.4.2', 'no resource.type', refuses('evaluation', ask(alice, read, { id: 'record-1' }))],
  ['2.4.2', 'no resource.id', refuses('evaluation', ask(alice, read, record()))],
  ['2.4.3', 'another content type', refuses('evaluation', permitted, { headers: { 'content-type': 'text/plain' } })],
  ['2.4.4', 'no JSON', refuses('evaluation', undefined, { text: '{"subject": {"type": "user", "id":' })],
  ['2.4.5', 'nothing', refuses('evaluation', undefined, { text: '' })],
  ['2.4.6', 'a subject that is a string', refuses('evaluation', ask('alice', read, record1))],
  ['2.4.6', 'an action.name that is a number', refuses('evaluation', ask(alice, { name: 123 }, record1))],
  ['2.5.1', 'X-Request-ID comes back', echoes('evaluation', permitted)],
  ['2.5.2', 'no X-Request-ID', decides(permitted, true)],
  ['2.6', 'the same question again and again', async (pdp) => {
    for (let round = 0; round < 5; round++) await decides(permitted, true)(pdp);
    for (let round = 0; round < 5; round++) await decides(ask(bob, write, record1), false)(pdp);
  }],
]);

const basicProperties = rows('Basic Properties', [
  ['2.2.4', 'deny by the resource\'s properties', decides(ask(alice, write, archived), false)],
  ['2.2.5', 'permit by the subject\'s properties', decides(ask(admin, write, archived), true)],
  ['2.2.6', 'permit by the action\'s properties', decides(ask(alice, action('delete', { soft: true }), record1), true)],
  ['2.2.7', 'deny by the action\'s properties', decides(ask(alice, action('delete', { soft: false }), record1), false)],
]);

const two = { subject: alice, action: read, evaluations: [{ resource: record1 }, { resource: record('record-2') }] };
const full = { evaluations: [permitted, ask(bob, write, record1)] };

const batchCore = rows('Batch Core', [
  ['3.2.1', 'a list of evaluations', decidesAll(two, [undefined, undefined])],
  ['3.2.2', 'decisions of the fixture, in order', decidesAll({ subject: bob, resource: record1, evaluations: [{ action: read }, { action: write }] }, [true, false])],
  ['3.2.5', 'no defaults', decidesAll(full, [true, false])],
  ['3.2.6', 'context inherited and replaced', decidesAll({ ...two, context: { time: context.time }, evaluations: [{ resource: record1 }, { resource: record('record-2'), context: { time: '2025-06-27T19:00-07:00', source: 'batch-override' } }] }, [undefined, undefined])],
  ['3.3.1', 'as many answers as questions', decidesAll({ ...permitted, evaluations: Array.from({ length: 7 }, () => ({})) }, Array(7).fill(true))],
  ['3.3.2', 'answers in the order of the questions', decidesAll({ subject: bob, resource: record1, evaluations: [write, read, write, read].map((act) => ({ action: act })) }, [false, true, false, true])],
  ['3.3.3', 'each answer has a boolean decision', decidesAll(full, [undefined, undefined])],
  ['3.3.4', 'a decision at the top is not needed', decidesAll(full, [true, false])],
  ['3.4.1', 'an error in one question is its answer', decidesAll({ subject: alice, action: read, options: { evaluations_semantic: 'execute_all' }, evaluations: [{ resource: record1 }, {}] }, [true, false])],
  ['3.4.2', 'no list: a single evaluation', async (pdp) => single(await pdp.post('evaluations', permitted))],
  ['3.4.3', 'an empty list: a single evaluation', async (pdp) => single(await pdp.post('evaluations', { ...permitted, evaluations: [] }))],
]);

function single(answer) {
  const json = wellAnswered(answer);
  isDecision(json);
  must('decision true', json.decision === true);
}

const batchProperties = rows('Batch Properties', [
  ['3.2.3', 'the resource\'s properties of each', decidesAll({ subject: alice, action: write, evaluations: [{ resource: active }, { resource: archived }] }, [true, false])],
  ['3.2.4', 'the subject\'s properties of each', decidesAll({ action: write, resource: archived, evaluations: [{ subject: alice }, { subject: admin }] }, [false, true])],
  ['3.2.7', 'whole defaults, replaced as a whole', decidesAll({ subject: alice, action: write, resource: active, evaluations: [{}, { resource: archived }] }, [true, false])],
]);

const whoReads = ask(user(), read, record1);
const aliceReads = ask(alice, read, record());
const aliceDoes = ask(alice, undefined, record1);

const searchCore = rows('Search Core', [
  ['4.2.1', 'subjects', finds('subject', whoReads, ['user:alice', 'user:bob'])],
  ['4.2.2', 'subjects, with context', findsAs('subject', { ...whoReads, context }, whoReads, ['user:alice', 'user:bob'])],
  ['4.2.3', 'subjects, with an id that is ignored', findsAs('subject', { ...whoReads, subject: alice }, whoReads, ['user:alice', 'user:bob'])],
  ['4.3.1', 'resources', finds('resource', aliceReads, ['record:record-1'])],
  ['4.3.2', 'resources, with context', findsAs('resource', { ...aliceReads, context }, aliceReads, ['record:record-1'])],
  ['4.3.3', 'resources, with an id that is ignored', findsAs('resource', { ...aliceReads, resource: record1 }, aliceReads, ['record:record-1'])],
  ['4.4.1', 'actions', finds('action', aliceDoes, ['read', 'write'])],
  ['4.4.2', 'actions, with context', findsAs('action', { ...aliceDoes, context }, aliceDoes, ['read', 'write'])],
  ['4.5.1', 'a page', async (pdp) => isPaged(await found(pdp, 'subject', { ...whoReads, page: { limit: 1 } }))],
  ['4.5.2', 'the next page', async (pdp) => nextPage(pdp)],
  ['4.5.3', 'the form of a page', async (pdp) => isPaged(await found(pdp, 'resource', { ...aliceReads, page: { limit: 1 } }))],
  ['4.5.4', 'a page is accepted by every search', async (pdp) => {
    isPaged(await found(pdp, 'subject', { ...whoReads, page: {} }));
    isPaged(await found(pdp, 'action', { ...aliceDoes, page: { limit: 1 } }));
  }],
  ['4.6.1', 'subjects of an unknown resource', findsNothing('subject', ask(user(), read, record('nonexistent-record')))],
  ['4.6.1', 'resources of an unknown subject', findsNothing('resource', ask(user('nonexistent-user'), read, record()))],
  ['4.6.1', 'actions of an unknown subject', findsNothing('action', ask(user('nonexistent-user'), undefined, record1))],
  ['4.6.2', 'subjects of an unknown type', findsNothing('subject', ask({ type: 'spaceship' }, read, record1))],
  ['4.6.2', 'resources of an unknown type', findsNothing('resource', ask(alice, read, { type: 'spaceship' }))],
  ['4.6.2', 'actions on an unknown type', findsNothing('action', ask(alice, undefined, { type: 'spaceship', id: 'one' }))],
  ['4.7.1', 'subjects without an action', refuses('subject', ask(user(), undefined, record1))],
  ['4.7.1', 'resources without a subject', refuses('resource', ask(undefined, read, record()))],
  ['4.7.1', 'actions without a resource', refuses('action', ask(alice))],
  ['4.7.2', 'subjects without resource.id', refuses('subject', ask(user(), read, record()))],
  ['4.7.2', 'resources without subject.id', refuses('resource', ask(user(), read, record()))],
  ['4.7.2', 'actions without subject.id', refuses('action', ask(user(), undefined, record1))],
]);

function isPaged({ page }) {
  must('`page`, if it is there, to be an object', page === undefined || (typeof page === 'object' && page !== null && !Array.isArray(page)));
  must('`page.next_token` to be a string', page === undefined || typeof page.next_token === 'string');
  for (const member of ['count', 'total']) must(`\`page.${member}\`, if it is there, to be a number`, page?.[member] === undefined || (Number.isInteger(page[member]) && page[member] >= 0));
}

/** Every page to the end: nobody is left out. A decision point without pages has everybody on the first. */
async function nextPage(pdp) {
  const keys = [];
  let token = '';
  for (let page = 0; page < 100; page++) {
    const json = await found(pdp, 'subject', { ...whoReads, page: token === '' ? { limit: 1 } : { token } });
    isPaged(json);
    must('a `page` on what follows a token', token === '' || json.page !== undefined);
    keys.push(...json.results.map(keyOf));
    token = json.page?.next_token ?? '';
    if (token === '') break;
  }
  must('the last page to have an empty `next_token`', token === '');
  must(`alice and bob on the pages, got ${keys.join(', ')}`, keys.includes('user:alice') && keys.includes('user:bob'));
}

const searchProperties = rows('Search Properties', [
  ['4.2.4', 'subjects by the resource\'s properties', finds('subject', ask(user(), write, archived), ['user:bob'])],
  ['4.3.4', 'resources by the subject\'s properties', finds('resource', ask(admin, write, record()), ['record:record-2'])],
  ['4.4.3', 'actions by both', finds('action', ask(admin, undefined, archived), ['write'])],
]);

const endpoints = { evaluation: permitted, evaluations: full, subject: whoReads, resource: aliceReads, action: aliceDoes };

function echoes(endpoint, body) {
  return async (pdp) => {
    const id = `check-${endpoint}-bfe9eb29`;
    const { headers } = await pdp.post(endpoint, body, { headers: { 'x-request-id': id } });
    must(`X-Request-ID \`${id}\`, got \`${headers['x-request-id']}\``, headers['x-request-id'] === id);
  };
}

/** Section 5 goes for every level, so it is asked of every endpoint. */
const transport = Object.entries(endpoints).flatMap(([endpoint, body]) =>
  rows({ evaluation: 'Basic Core', evaluations: 'Batch Core' }[endpoint] ?? 'Search Core', [
    ['5.1', `${endpoint}: application/json over HTTPS`, async (pdp) => {
      must('an https address', pdp.url(endpoint).protocol === 'https:');
      wellAnswered(await pdp.post(endpoint, body, { headers: { 'content-type': 'application/json; charset=utf-8' } }));
    }],
    ['5.2', `${endpoint}: 200 with application/json`, async (pdp) => void wellAnswered(await pdp.post(endpoint, body))],
    ['5.3', `${endpoint}: 400 when everything is missing`, refuses(endpoint, {})],
    ['5.4', `${endpoint}: X-Request-ID comes back`, echoes(endpoint, body)],
    ['5.5', `${endpoint}: unknown fields`, async (pdp) => void wellAnswered(await pdp.post(endpoint, { ...body, foo: 'bar', futureField: { nested: true } }))],
  ]),
);

const optional = ['access_evaluations_endpoint', 'search_subject_endpoint', 'search_resource_endpoint', 'search_action_endpoint'];
const isHttps = (text) => typeof text === 'string' && URL.canParse(text) && new URL(text).protocol === 'https:';

const discovery = rows('Discovery', [
  ['6.1', 'metadata at the well-known address', async (pdp) => void wellAnswered(await pdp.metadata())],
  ['6.2', '200 with application/json', async (pdp) => void wellAnswered(await pdp.metadata())],
  ['6.3', 'policy_decision_point is the base address', async (pdp) => {
    const { policy_decision_point: point } = wellAnswered(await pdp.metadata());
    must(`\`${pdp.base}\`, got \`${point}\``, point === pdp.base);
    must('an https address without query and fragment', isHttps(point) && new URL(point).search === '' && new URL(point).hash === '');
  }],
  ['6.3', 'access_evaluation_endpoint is an https address', async (pdp) => must('an https address', isHttps(wellAnswered(await pdp.metadata()).access_evaluation_endpoint))],
  ['6.4', 'other endpoints, if there are any, are https addresses', async (pdp) => {
    const metadata = wellAnswered(await pdp.metadata());
    for (const name of optional) must(`\`${name}\` to be an https address`, metadata[name] === undefined || isHttps(metadata[name]));
  }],
  ['6.4', 'capabilities, if there are any, are strings', async (pdp) => {
    const { capabilities } = wellAnswered(await pdp.metadata());
    must('a list of strings', capabilities === undefined || (Array.isArray(capabilities) && capabilities.every((each) => typeof each === 'string')));
  }],
  ['6.5', 'signed_metadata, if it is there, is a JWT with `iss` that verifies', async (pdp) => {
    const metadata = wellAnswered(await pdp.metadata());
    const { signed_metadata: signed } = metadata;
    if (signed === undefined) return;
    must('an algorithm', decodeProtectedHeader(signed).alg !== 'none');
    must('`jwks_uri` with the keys', isHttps(metadata.jwks_uri));
    const { payload } = await jwtVerify(signed, createLocalJWKSet((await pdp.get(metadata.jwks_uri)).json));
    must('`iss`', typeof payload.iss === 'string');
    must('no `signed_metadata` in it', payload.signed_metadata === undefined);
    must('the same `policy_decision_point`', payload.policy_decision_point === metadata.policy_decision_point);
  }],
]);

export const checks = [...basicCore, ...basicProperties, ...batchCore, ...batchProperties, ...searchCore, ...searchProperties, ...transport, ...discovery];
