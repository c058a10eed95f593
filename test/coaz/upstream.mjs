// The MCP server behind the gateway: tools whose schemas declare mappings, good ones and bad ones. It writes down what
// reaches it; the suite believes nobody else about effects.
import { createServer } from 'node:http';

const subject = { type: 'identity', id: '$token.sub' };
const act = { name: 'act' };
const one = (resource, more = {}) => ({ evaluation: { subject, action: act, resource, ...more } });
const account = { type: 'account', id: '$params.arguments.id' };
const entry = (id, more = {}) => ({ action: act, resource: { type: 'store', id }, ...more });
const two = (entries, more = {}) => ({ evaluations: { subject, ...more, evaluations: entries } });

/** Mappings by the tool that declares them. */
export const mappings = {
  plain: undefined,
  closed: undefined,
  declared: one(account),
  copy: two([entry('$params.arguments.from'), entry('$params.arguments.to')]),
  defaults: { evaluations: { subject, action: act, resource: { type: 'store', id: 'open-1' }, evaluations: [{ action: act }, entry('$params.arguments.id')] } },
  literal: one({ type: 'price', id: '$$50' }),
  constant: one({ type: 'account', id: 'open-1' }),
  computed: one({ type: 'region', id: "$params.arguments.currency == 'EUR' ? 'inside' : 'outside'" }),
  joined: one({ type: 'account', id: "$'open-' + params.arguments.number" }),
  optional: one({ type: 'account', id: 'open-1' }, { context: { agent: '$token.?no_such_claim', note: '$params.arguments.?note' } }),
  missing: one({ type: 'account', id: '$params.arguments.no_such_argument' }),
  absent: one({ type: 'account', id: '$params.arguments.?no_such_argument' }),
  nothing: one({ type: 'account', id: '$params.arguments.none' }),
  unknown_variable: one({ type: 'account', id: '$secrets.id' }),
  unparsable: one({ type: 'account', id: '$params.(' }),
  listed: one({ type: 'store', id: '$params.arguments.ids' }),
  spread: { evaluations: { subject, evaluations: '$params.arguments.entries' } },
  both_envelopes: { ...one(account), ...two([entry('open-1')]) },
  no_envelope: { subject, action: act, resource: account },
  empty: {},
  future_envelope: { search: { subject, action: act, resource: account } },
  entry_subject: two([entry('open-1'), entry('open-2', { subject })]),
  other_subject: { evaluation: { subject: { type: 'identity', id: 'somebody-else' }, action: act, resource: { type: 'account', id: 'open-1' } } },
  argued_subject: { evaluation: { subject: { type: 'identity', id: '$params.arguments.who' }, action: act, resource: { type: 'account', id: 'open-1' } } },
  no_subject: { evaluation: { action: act, resource: { type: 'account', id: 'open-1' } } },
  no_subject_id: { evaluation: { subject: { properties: { team: 'a' } }, action: act, resource: { type: 'account', id: 'open-1' } } },
};

const tools = Object.entries(mappings).map(([name, mapping]) => ({ name, execution: { taskSupport: 'optional' }, description: `The tool ${name}`, inputSchema: { type: 'object', properties: {}, ...(mapping && { 'x-authzen-mapping': mapping }) } }));

const answers = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {}, logging: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } }, serverInfo: { name: 'coaz', version: '1' } }),
  ping: () => ({}),
  'tools/list': () => ({ tools }),
  'tools/call': ({ task, arguments: args }) => (task ? { task: { taskId: args.task, status: 'working', ttl: 60_000, createdAt: '2026-01-01T00:00:00Z', lastUpdatedAt: '2026-01-01T00:00:00Z' } } : { content: [{ type: 'text', text: 'done' }] }),
  'resources/list': () => ({ resources: [{ uri: 'note://open/1', name: 'open' }] }),
  'resources/read': ({ uri }) => ({ contents: [{ uri, text: 'text' }] }),
  'prompts/list': () => ({ prompts: [{ name: 'open' }] }),
  'prompts/get': () => ({ messages: [] }),
  'completion/complete': () => ({ completion: { values: [] } }),
  'tasks/list': () => ({ tasks: [] }),
  'tasks/get': ({ taskId }) => ({ taskId, status: 'working', ttl: 60_000, createdAt: '2026-01-01T00:00:00Z', lastUpdatedAt: '2026-01-01T00:00:00Z' }),
  'tasks/result': () => ({ content: [{ type: 'text', text: 'done' }] }),
  'tasks/cancel': ({ taskId }) => ({ taskId, status: 'cancelled', ttl: 60_000, createdAt: '2026-01-01T00:00:00Z', lastUpdatedAt: '2026-01-01T00:00:00Z' }),
};

export class Upstream {
  received = [];
  #server;

  async listen(port = 0) {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    await new Promise((done) => this.#server.listen(port, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.#server.address().port}/mcp`;
    return this;
  }

  close() {
    this.#server.close().closeAllConnections();
  }

  /** Messages with this mark, which every message of the suite carries somewhere. */
  reached = (mark) => this.received.filter((text) => text.includes(mark)).length;

  async #answer(request, response) {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    this.received.push(text);
    const { id, method, params = {} } = JSON.parse(text);
    if (id === undefined) return response.writeHead(202).end();
    const result = (answers[method] ?? (() => ({})))(params);
    response.writeHead(200, { 'content-type': 'application/json', ...(method === 'initialize' && { 'mcp-session-id': 'coaz' }) }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  }
}
