import { equal, expect, Open } from '../arap/verdicts.mjs';
import { mappings } from './upstream.mjs';

const open = 'open-1';
const check = (id, section, level, what, run) => ({ id, section, level, what, run });
const framework = (name) => `COAZ Framework: ${name}`;
const binding = (name) => `COAZ-MCP: ${name}`;

/** Each method with a request that policy allows and one about something else, that it does not; for the server as a whole there is no other. */
const methods = [
  ['tools/list', {}],
  ['resources/list', {}],
  ['prompts/list', {}],
  ['logging/setLevel', { level: 'info' }],
  ['tasks/list', {}],
  ['resources/read', { uri: 'note://open/1' }, { uri: 'note://closed/1' }],
  ['resources/subscribe', { uri: 'note://open/1' }, { uri: 'note://closed/1' }],
  ['resources/unsubscribe', { uri: 'note://open/1' }, { uri: 'note://closed/1' }],
  ['prompts/get', { name: 'open' }, { name: 'closed' }],
  ['completion/complete', { ref: { type: 'ref/prompt', name: 'open' }, argument: { name: 'a', value: '' } }, { ref: { type: 'ref/prompt', name: 'closed' }, argument: { name: 'a', value: '' } }],
  ['completion/complete', { ref: { type: 'ref/resource', uri: 'note://open/1' }, argument: { name: 'a', value: '' } }, { ref: { type: 'ref/resource', uri: 'note://closed/1' }, argument: { name: 'a', value: '' } }],
  ['tasks/get', { taskId: 'open' }, { taskId: 'closed' }],
  ['tasks/result', { taskId: 'open' }, { taskId: 'closed' }],
  ['tasks/cancel', { taskId: 'open' }, { taskId: 'closed' }],
];

const wrong = (id, name, what, args = {}) => check(id, framework(what[0]), 'MUST', what[1], async (world) => world.mappingError(await world.call(name, args)));

export const checks = [
  wrong('F1', 'both_envelopes', ['The Mapping', 'a mapping with two envelopes is a mapping error'], { id: open }),
  wrong('F2', 'no_envelope', ['The Mapping', 'a mapping whose members are the request\'s own is a mapping error'], { id: open }),
  wrong('F3', 'empty', ['The Mapping', 'a mapping without an envelope is a mapping error']),
  wrong('F4', 'future_envelope', ['The Mapping', 'a mapping for an API that is not known is a mapping error'], { id: open }),
  check('F5', framework('Literals and Expressions'), 'MUST', 'what begins with `$$` is a text that begins with `$`', async (world) => world.passed(await world.call('literal'))),
  check('F6', framework('Literals and Expressions'), 'MUST', 'what does not begin with `$` stands for itself', async (world) => world.passed(await world.call('constant', { id: 'closed-1' }))),
  check('F7', framework('The Expression Contract'), 'MUST', 'an expression is computed from the request', async (world) => {
    world.passed(await world.call('computed', { currency: 'EUR' }));
    world.denied(await world.call('computed', { currency: 'USD' }));
    world.passed(await world.call('joined', { number: '1' }));
    world.denied(await world.call('joined', { number: '9' }));
  }),
  wrong('F8', 'unknown_variable', ['The Expression Contract', 'an expression knows the variables of the binding, and no others']),
  wrong('F9', 'unparsable', ['Denials and Errors', 'an expression that cannot be read is a mapping error']),
  wrong('F10', 'missing', ['Denials and Errors', 'an expression about what is not there is a mapping error']),
  check('F11', framework('The Expression Contract'), 'MUST', 'what is optional and not there is left out', async (world) => world.passed(await world.call('optional'))),
  wrong('F12', 'absent', ['The Expression Contract', 'a required field that is left out is a mapping error']),
  wrong('F13', 'nothing', ['The Expression Contract', 'a required field that is null is a mapping error'], { none: null }),
  check('F14', framework('The Expression Contract'), 'SHALL NOT', 'a list is one value: it does not become several decisions', async (world) => {
    world.refused(await world.call('listed', { ids: ['open-1', 'open-2'] }));
    world.refused(await world.call('spread', { entries: [{ action: { name: 'act' }, resource: { type: 'store', id: 'open-1' } }] }));
  }),
  check('F15', framework('Constructing the AuthZEN Request'), 'MUST', 'of several decisions all have to permit', async (world) => {
    world.passed(await world.call('copy', { from: 'open-1', to: 'open-2' }));
    world.denied(await world.call('copy', { from: 'open-1', to: 'closed-1' }));
    world.denied(await world.call('copy', { from: 'closed-1', to: 'open-1' }));
  }),
  check('F16', framework('Constructing the AuthZEN Request'), 'MUST', 'what an evaluation does not say itself it has from the top; what it says counts', async (world) => {
    world.passed(await world.call('defaults', { id: 'open-2' }));
    world.denied(await world.call('defaults', { id: 'closed-1' }));
  }),
  check('F17', framework('Fail-Closed Enforcement'), 'MUST NOT', 'a mapping that is wrong is not exchanged for the default', async (world) => {
    for (const name of ['empty', 'unparsable', 'missing', 'both_envelopes', 'entry_subject']) world.refused(await world.call(name, { id: open }));
  }),
  check('M1', binding('Default Mappings'), 'MUST', 'a tool without a mapping is decided by its name', async (world) => {
    world.passed(await world.call('plain'));
    world.denied(await world.call('closed'));
  }),
  check('M2', binding('Default Mappings'), 'MUST', '`initialize` is decided', async (world) => {
    await world.session('agent');
    const answer = await world.post({ jsonrpc: '2.0', id: 'mine', method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'nobody', version: '1' } } }, { who: 'nobody' });
    expect(answer.body?.result === undefined && (answer.body?.error?.code === -32001 || answer.status >= 400), `it was answered with ${JSON.stringify(answer.body)}`);
  }),
  ...methods.map(([method, params, closed], index) =>
    check(`M3.${index + 1}`, binding('Default Mappings'), 'MUST', `\`${method}\`${params.ref ? ` of a ${params.ref.type.slice(4)}` : ''} is decided by ${closed ? 'what it is aimed at' : 'the server'}`, async (world) => {
      // A gateway may show a task to none but who began it.
      if (params.taskId) for (const task of [params.taskId, closed.taskId]) world.began(await world.ask('tools/call', { name: 'plain', arguments: { task }, task: { ttl: 60_000 } }));
      world.passed(await world.ask(method, params));
      world[params.taskId ? 'refused' : 'denied'](await world.ask(method, params, { who: 'guest' }));
      if (closed) world.denied(await world.ask(method, closed));
    }),
  ),
  check('M4', binding('Pass-through Operations'), 'MUST', '`ping` is nobody\'s decision', async (world) => {
    const { status, body } = await world.ask('ping', {}, { who: 'guest' });
    equal([status, body?.error], [200, undefined], 'the answer to `ping`');
  }),
  check('M5', binding('Pass-through Operations'), 'MUST', 'notifications are nobody\'s decision', async (world) => {
    const session = await world.session('guest');
    for (const method of ['notifications/cancelled', 'notifications/progress', 'notifications/roots/list_changed']) {
      const { status } = await world.post({ jsonrpc: '2.0', method, params: { requestId: 'none', progressToken: 'none', progress: 1 } }, { who: 'guest', session });
      expect(status === 202 || status === 200, `\`${method}\` was answered with ${status}`);
    }
  }),
  check('M6', binding('Unknown Methods'), 'MUST NOT', 'a method that nobody knows does not proceed', async (world) => world.refused(await world.ask('future/method', {}))),
  check('M7', binding('Unknown Methods'), 'MUST', 'and is answered as a denial', async (world) => world.denied(await world.ask('future/method', {}))),
  check('M8', binding('Declared Mappings'), 'MUST', 'a declared mapping decides about its tool', async (world) => {
    world.passed(await world.call('declared', { id: 'open-1' }));
    world.denied(await world.call('declared', { id: 'closed-1' }));
  }),
  check('M9', binding('Declared Mappings'), 'MUST', 'and about no other', async (world) => {
    world.passed(await world.call('declared', { id: 'open-1' }));
    world.denied(await world.call('closed', { id: 'open-1' }));
    world.passed(await world.call('plain', { id: 'closed-1' }));
  }),
  check('M10', binding('Declared Mappings'), 'SHOULD', 'a server does not say who acts, nor does an argument', async (world) => {
    world.refused(await world.call('other_subject'));
    world.refused(await world.call('argued_subject', { who: 'somebody-else' }));
  }),
  check('M11', binding('Declared Mappings'), 'MUST', 'a mapping without a subject, or without its id, is about the token\'s', async (world) => {
    world.passed(await world.call('no_subject'));
    world.passed(await world.call('no_subject_id'));
    world.refused(await world.call('no_subject', {}, { who: 'guest' }));
  }),
  check('M12', binding('Declared Mappings'), 'MUST', 'an evaluation with a subject of its own is a mapping error', async (world) => world.mappingError(await world.call('entry_subject'))),
  check('M13', binding('Default Mappings'), 'MUST', 'a token for several servers is decided about this one', async (world) => {
    world.passed(await world.ask('prompts/list', {}, { who: 'many' }));
  }),
  check('M14', binding('Error Handling'), 'MUST', 'an error has the id of its request, whatever id that is', async (world) => {
    for (const id of ['text', 0, 'a"b', 123456789]) {
      world.mappingError(await world.call('missing', {}, { id }));
      world.denied(await world.call('closed', {}, { id }));
    }
  }),
  check('M15', binding('Authorization Denial'), 'MUST NOT', 'no error has a code that is not JSON-RPC\'s to give', async (world) => {
    await world.call('closed');
    await world.call('missing');
    await world.ask('future/method');
    const odd = world.seen.filter(({ code }) => !Number.isInteger(code) || (code >= -32_768 && code <= -32_000 && !(code >= -32_099 || [-32_700, -32_600, -32_601, -32_602, -32_603].includes(code))));
    expect(odd.length === 0, `codes ${odd.map(({ code }) => code).join(', ')}`);
  }),
  check('M16', binding('PDP Communication Errors'), 'MUST', 'while nobody can decide nothing proceeds, and the error says so', async (world) => {
    if (typeof world.target.withoutDecisions !== 'function') throw new Open('the description does not say how to make the decision point unreachable');
    const restore = await world.target.withoutDecisions();
    try {
      const answer = await world.call('plain');
      world.refused(answer);
      equal(answer.body?.error?.code, -32_603, 'the code');
    } finally {
      await restore();
    }
    world.passed(await world.call('plain'));
  }),
  check('M17', binding('Token Integrity'), 'MUST', 'a token that is forged, over, for somebody else or of somebody else is none', async (world) => {
    const bad = world.target.badTokens;
    if (!bad) throw new Open('the description has no `badTokens`');
    for (const [what, token] of Object.entries(await bad())) {
      const mark = `mark-${crypto.randomUUID()}`;
      const { status, body } = await world.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'plain', arguments: { mark } } }, { token, session: await world.session('agent') });
      expect(world.upstream.reached(mark) === 0 && (status >= 400 || body?.error !== undefined), `a token ${what} was answered with ${status}: ${JSON.stringify(body)}`);
    }
  }),
  check('M18', binding('Declaring a Mapping'), 'MUST', 'clients see the mappings as the server declares them', async (world) => {
    const { body } = await world.ask('tools/list');
    const tool = body?.result?.tools?.find(({ name }) => name === 'declared');
    equal(tool?.inputSchema?.['x-authzen-mapping'], mappings.declared, 'the mapping in the list');
  }),
];
