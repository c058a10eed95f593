import { randomUUID } from 'node:crypto';
import { forgeries, isJws } from './jose.mjs';
import { eventually, expect, NotApplicable, Open, pause } from './verdicts.mjs';

const answerMs = 30_000;
const urn = 'urn:openid:authzen:access-request:error:';

/** Each problem type with the status that the profile gives it (section Error Responses). */
export const problems = { not_requestable: 400, expired_denial: 410, invalid_denial_binding: 400, duplicate_request: 409, unknown_task: 404, task_expired: 410, invalid_task_state: 409 };
const terminal = ['approved', 'denied', 'expired', 'cancelled', 'failed', 'partial'];
export const statuses = ['pending', ...terminal];

/** What checks are made with: evaluations, submissions, tasks. Knows the profile's words, and no product. */
export class World {
  #metadata;
  #jwks;
  /** Answers of every kind that were seen, for checks that are about all of them. */
  seen = { denials: [], problems: [] };

  /** What was submitted, by the task that it led to: operations are told, as people are. */
  #submitted = new Map();

  constructor(target) {
    const told = Object.fromEntries(operations.filter((name) => typeof target[name] === 'function').map((name) => [name, (given) => target[name]({ ...this.#submitted.get(given.task?.id), ...given })]));
    this.target = { ...target, ...told };
  }

  /** A case of the description, with something of its own in it, so that no two uses are the same question. */
  case(name) {
    const found = this.target.cases?.[name];
    if (!found) throw new Open(`the description names no case \`${name}\``);
    return JSON.parse(JSON.stringify(found).replaceAll('{{mark}}', randomUUID().slice(0, 13)));
  }

  needs(...names) {
    for (const name of names) if (typeof this.target[name] !== 'function') throw new Open(`the description does not say how to \`${name}\``);
  }

  token(who = 'pep') {
    const token = this.target.tokens?.[who];
    if (!token) throw new Open(`the description has no token of \`${who}\``);
    return token;
  }

  /** One exchange. A published address is reached where the description says (`connect_to`), as curl does it. */
  async http(url, { method = 'GET', who = 'pep', token, headers = {}, body, raw } = {}) {
    const bearer = token ?? (who === null ? undefined : this.token(who));
    const exchange = { url, method, headers: { ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }), ...(body !== undefined || raw !== undefined ? { 'content-type': 'application/json' } : {}), ...headers }, body };
    const sent = this.target.tamper?.request?.(exchange) ?? exchange;
    const response = await fetch(this.#reach(sent.url), { method: sent.method, headers: sent.headers, body: raw ?? (sent.body === undefined ? undefined : JSON.stringify(sent.body)), redirect: 'manual', signal: AbortSignal.timeout(answerMs) });
    const text = await response.text();
    const plain = { status: response.status, headers: response.headers, text, json: parse(text), type: (response.headers.get('content-type') ?? '').split(';')[0].trim(), sent };
    const answer = this.target.tamper?.response?.(plain) ?? plain;
    if (answer.type === 'application/problem+json') this.seen.problems.push(answer);
    if (answer.json?.task?.id !== undefined && body?.subject !== undefined) this.#submitted.set(answer.json.task.id, requestsOf(body));
    return answer;
  }

  #reach(url) {
    const { origin } = new URL(url);
    const to = this.target.connect_to?.[origin];
    return to === undefined ? url : url.replace(origin, to);
  }

  async metadata() {
    if (this.#metadata && !this.target.tamper) return this.#metadata;
    const answer = await this.http(new URL('/.well-known/authzen-configuration', this.target.url).href, { who: null });
    expect(answer.status === 200 && answer.json, `the metadata were answered with ${answer.status}`);
    return (this.#metadata = answer.json);
  }

  async jwks() {
    if (this.#jwks && !this.target.tamper) return this.#jwks;
    const { jwks_uri: uri } = await this.metadata();
    expect(typeof uri === 'string', 'the metadata have no `jwks_uri`');
    const answer = await this.http(uri, { who: null });
    expect(Array.isArray(answer.json?.keys), `\`jwks_uri\` does not lead to a JWK Set: ${answer.status}`);
    return (this.#jwks = answer.json);
  }

  /** An evaluation; `context` is merged over the request's own. */
  async evaluate(request, { who, context } = {}) {
    const { access_evaluation_endpoint: endpoint } = await this.metadata();
    expect(typeof endpoint === 'string', 'the metadata have no `access_evaluation_endpoint`');
    const body = context === undefined ? request : { ...request, context: { ...request.context, ...context } };
    const answer = await this.http(endpoint, { method: 'POST', body, who });
    expect(answer.status === 200 && typeof answer.json?.decision === 'boolean', `the evaluation was answered with ${answer.status}: ${answer.text.slice(0, 200)}`);
    if (!answer.json.decision) this.seen.denials.push(answer.json);
    return answer.json;
  }

  /** A denial that can be asked about: the request, what was answered, and what a submission echoes of it. */
  async denial(name = 'requestable', { who, request = this.case(name) } = {}) {
    const answer = await this.evaluate(request, { who });
    const hint = answer.context?.access_request;
    expect(answer.decision === false && hint, `expected a requestable denial of \`${name}\`: ${JSON.stringify(answer).slice(0, 300)}`);
    return { request, answer, hint, denial: denialOf(answer) };
  }

  /** A denial whose binding is made with one of the two forms only. */
  async boundBy(form, name) {
    const found = await this.denial(name);
    const { evaluation_id: id, binding_token: token, ...rest } = found.denial;
    if (form === 'token' && token === undefined) throw new NotApplicable('the product binds by `evaluation_id` alone');
    if (form === 'evaluation_id' && id === undefined) throw new NotApplicable('the product binds by `binding_token` alone');
    return { ...found, denial: form === 'token' ? { ...rest, binding_token: token } : { ...rest, evaluation_id: id } };
  }

  /** The body that a well-behaved enforcement point submits. */
  body({ request, denial }, more = {}) {
    const augment = this.target.augment ?? {};
    const context = { ...request.context, ...augment.context };
    return { subject: request.subject, resource: request.resource, action: request.action, ...(Object.keys(context).length > 0 && { context }), ...(augment.requested_access && { requested_access: augment.requested_access }), denial, ...more };
  }

  async submit(body, { who, key = randomUUID(), endpoint, ...more } = {}) {
    const to = endpoint ?? (await this.metadata()).access_request_endpoint;
    return this.http(to, { method: 'POST', body, who, headers: key === null ? {} : { 'idempotency-key': key }, ...more });
  }

  /** A task that waits. */
  async open(name = 'requestable', more = {}, options = {}) {
    const found = await this.denial(name, options);
    const answer = await this.submit(this.body(found, more), { ...options, ...(found.hint.endpoint && { endpoint: found.hint.endpoint }) });
    expect([201, 202].includes(answer.status) && answer.json?.task, `expected a task, got ${answer.status}: ${answer.text.slice(0, 300)}`);
    return { ...found, answer, task: answer.json.task, result: answer.json.result };
  }

  /** A bulk of several separate denials, each item with its own. */
  async bulk(count = 2, names = Array(count).fill('requestable')) {
    const found = [];
    // One subject for all of them, and one context: a bundle has no others.
    const { subject, context } = this.case(names[0]);
    for (const name of names) found.push(await this.denial(name, { request: { ...this.case(name), subject, ...(context && { context }) } }));
    const items = found.map(({ request, denial }) => ({ resource: request.resource, action: request.action, denial }));
    const augment = this.target.augment ?? {};
    return { found, body: { subject: found[0].request.subject, items, context: { ...found[0].request.context, ...augment.context }, ...(augment.requested_access && { requested_access: augment.requested_access }) } };
  }

  status = (task, options) => this.http(task.status_endpoint, options);

  /** The task once it has ended. */
  async ended(task, ms = 30_000) {
    return eventually(async () => {
      const { status, json } = await this.status(task);
      return status === 200 && json?.task?.status !== 'pending' ? json : undefined;
    }, 'the end of the task', ms);
  }

  /** An approved task, with what a re-evaluation carries. */
  async approved(name = 'requestable', options = {}) {
    this.needs('approve');
    const opened = await this.open(name, {}, options);
    if (opened.task.status !== 'approved') await this.target.approve({ task: opened.task });
    const ended = await this.ended(opened.task);
    expect(ended.task.status === 'approved', `the approved task is \`${ended.task.status}\``);
    const approval = ended.result?.approval;
    expect(approval, 'the approved task has no `result.approval`');
    return { ...opened, ended, approval };
  }

  reevaluate = (request, approval, options = {}) => this.evaluate(request, { ...options, context: { approval } });

  /** The answer is a problem of this type, with its status and its media type. */
  problem(answer, ...types) {
    const known = types.map((type) => `${urn}${type}`);
    expect(answer.status >= 400, `expected ${types.join(' or ')}, got ${answer.status}: ${answer.text.slice(0, 200)}`);
    expect(answer.type === 'application/problem+json', `expected application/problem+json, got ${answer.type || 'nothing'} with ${answer.status}`);
    expect(known.includes(answer.json?.type), `expected ${types.join(' or ')}, got ${answer.json?.type}: ${answer.json?.detail ?? ''}`);
    const wanted = problems[answer.json.type.slice(urn.length)];
    expect(answer.status === wanted, `expected status ${wanted} with ${answer.json.type}, got ${answer.status}`);
  }

  /** The submission was not taken, whatever it is called. */
  rejected(answer, what) {
    expect(answer.status >= 400 && answer.status < 500, `${what} was answered with ${answer.status}: ${answer.text.slice(0, 200)}`);
    expect(answer.json?.task === undefined, `${what} was answered with a task`);
  }

  forgeries = (jws, change) => (isJws(jws) ? forgeries(jws, change) : { 'with other letters': `${jws.slice(0, -4)}AAAA`, cut: jws.slice(0, -8) });

  /** Waits until a moment is over, with the tolerance that the product may have. */
  async past(moment, what) {
    const ms = Date.parse(moment) + (this.target.skew_seconds ?? 60) * 1_000 - Date.now() + 1_000;
    const most = (this.target.patience_seconds ?? 30) * 1_000;
    if (this.target.passTime) return this.target.passTime({ ms: Math.max(0, ms) });
    if (ms > most) throw new Open(`${what} is over in ${Math.round(ms / 1_000)} s, and the description has no patience for that (\`patience_seconds\`)`);
    await pause(Math.max(0, ms));
  }
}

const operations = ['approve', 'refuse', 'approveIneligibly', 'revoke', 'record'];

/** The requests of a submission: one, or those of its items. */
function requestsOf({ subject, resource, action, context, items }) {
  const of = (one) => ({ subject, resource: one.resource, action: one.action, context });
  return items === undefined ? { request: of({ resource, action }) } : { requests: items.map(of) };
}

/** What of a denied evaluation goes into a submission, unchanged. */
export function denialOf({ context }) {
  const { evaluation_id, evaluated_at, reason, access_request: { expires_at, binding_token, template } } = context;
  return Object.fromEntries(Object.entries({ evaluation_id, evaluated_at, expires_at, reason, binding_token, template }).filter(([, value]) => value !== undefined));
}

const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
export const isTime = (value) => typeof value === 'string' && timestamp.test(value) && !Number.isNaN(Date.parse(value));
export const isHttps = (value) => typeof value === 'string' && URL.canParse(value) && new URL(value).protocol === 'https:';
/** Whether text of this alphabet and length can carry 96 bits or more: what nobody guesses. */
export const isUnguessable = (value) => typeof value === 'string' && new Set(value).size >= 8 && value.replaceAll(/[^0-9A-Za-z]/g, '').length >= 20;

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
