import { randomUUID } from 'node:crypto';
import { expect, Open } from '../arap/verdicts.mjs';

const version = '2025-11-25';
const hello = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'coaz', version: '1' } };
const codes = { mapping: -32602, denial: -32001, pdp: -32603 };

/** What checks are made with: messages as a client writes them, and what reached the server behind the gateway. */
export class World {
  #sessions = new Map();
  seen = [];

  constructor(target, upstream) {
    this.target = target;
    this.upstream = upstream;
  }

  token(who) {
    const token = this.target.tokens?.[who];
    if (!token) throw new Open(`the description has no token of \`${who}\``);
    return token;
  }

  /** One HTTP POST with one message. */
  async post(message, { who = 'agent', token = this.token(who), session } = {}) {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': version, authorization: `Bearer ${token}`, ...(session && { 'mcp-session-id': session }) };
    const response = await fetch(this.target.url, { method: 'POST', headers, body: JSON.stringify(message), signal: AbortSignal.timeout(30_000) });
    const text = await response.text();
    const body = parse(text);
    const answer = this.target.tamper?.({ status: response.status, body, session: response.headers.get('mcp-session-id') }) ?? { status: response.status, body, session: response.headers.get('mcp-session-id') };
    if (answer.body?.error) this.seen.push(answer.body.error);
    return answer;
  }

  async session(who) {
    const known = this.#sessions.get(who);
    if (known) return known;
    const { status, session, body } = await this.post({ jsonrpc: '2.0', id: 'hello', method: 'initialize', params: hello }, { who });
    expect(status === 200 && body?.result, `\`initialize\` of ${who} was answered with ${status}: ${JSON.stringify(body)}`);
    this.#sessions.set(who, session ?? 'none');
    await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' }, { who, session });
    return session;
  }

  /** A request in a session; with a mark, by which it is found again behind the gateway. */
  async ask(method, params = {}, { who = 'agent', id = 7 } = {}) {
    const mark = `mark-${randomUUID()}`;
    const session = await this.session(who);
    const marked = method === 'tools/call' ? { ...params, arguments: { ...params.arguments, mark } } : { ...params, _meta: { mark } };
    const answer = await this.post({ jsonrpc: '2.0', id, method, params: marked }, { who, session });
    return { ...answer, id, mark, what: `\`${method}\`${params.name ? ` of \`${params.name}\`` : ''} by ${who}`, reached: this.upstream.reached(mark) };
  }

  call = (name, args = {}, options) => this.ask('tools/call', { name, arguments: args }, options);

  passed({ status, body, what, reached }) {
    expect(status === 200 && body?.result !== undefined && body.result.isError !== true, `${what} was answered with ${status}: ${JSON.stringify(body)}`);
    expect(reached === 1, `${what} reached the server ${reached} times`);
  }

  began({ body, what }) {
    expect(body?.result?.task?.taskId !== undefined, `${what} did not begin a task: ${JSON.stringify(body)}`);
  }

  /** Refused as a denial: the error, or, for a tool, a result that is one. */
  denied(answer) {
    const { body, what, id } = answer;
    this.#stopped(answer);
    expect(body?.error?.code === codes.denial || body?.result?.isError === true, `expected a denial of ${what}, got ${JSON.stringify(body)}`);
    expect(body.id === id, `${what} was answered with the id ${JSON.stringify(body.id)}`);
  }

  mappingError(answer) {
    const { body, what, id } = answer;
    this.#stopped(answer);
    expect(body?.error?.code === codes.mapping, `expected the mapping error ${codes.mapping} for ${what}, got ${JSON.stringify(body)}`);
    expect(body.id === id, `${what} was answered with the id ${JSON.stringify(body.id)}`);
  }

  refused(answer) {
    this.#stopped(answer);
    const { body, what, status } = answer;
    expect(status >= 400 || body?.error !== undefined || body?.result?.isError === true, `${what} was answered with ${JSON.stringify(body)}`);
  }

  #stopped({ what, reached }) {
    expect(reached === 0, `${what} reached the server`);
  }
}

function parse(text) {
  const line = text.trimStart().startsWith('{') ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? 'null');
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
