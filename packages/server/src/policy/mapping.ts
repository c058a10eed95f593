import { Environment } from '@marcbachmann/cel-js';
import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { Resource } from '../action/states.js';
import { Memo } from '../lib/memo.js';

/**
 * COAZ, "A Framework for Mapping Information Models to AuthZEN Authorization Requests", Draft 1, and its MCP
 * binding, Draft 1 (openid/authzen at e287920, August 2026). The drafts move; what they name stands here alone.
 */
export const declaredMappingKey = 'x-authzen-mapping';

/** One AuthZEN evaluation request, as a mapping made it. */
export interface Evaluation {
  readonly subject: JsonObject;
  readonly action: JsonObject;
  readonly resource: Resource & { readonly properties?: JsonObject };
  readonly context: JsonObject;
}

export interface MappingInput {
  readonly params: JsonObject;
  readonly claims: JsonObject;
  /** This server's own resource identifier, which stands for `$token.aud`. */
  readonly audience: string;
}

const environment = new Environment({
  enableOptionalTypes: true,
  unlistedVariablesAreDyn: false,
  limits: { maxAstNodes: 500, maxDepth: 32, maxListElements: 200, maxMapEntries: 200, maxCallArguments: 16 },
})
  .registerVariable('params', 'map')
  .registerVariable('token', 'map');

const absent = Symbol('absent');

const subject: JsonObject = { type: 'identity', id: '$token.sub' };
const context: JsonObject = { agent: '$token.?client_id' };
const onServer = (method: string, extra: JsonObject = {}): Json => ({ evaluation: { subject, action: { name: method }, resource: { type: 'mcp_server', id: '$token.aud' }, context: { ...context, ...extra } } });
const on = (method: string, type: string, id: string): Json => ({ evaluation: { subject, action: { name: method }, resource: { type, id }, context } });

/** The binding's default mappings; the last four methods are not in the draft and follow `tools/list` (see docs/decisions). */
export const defaultMappings: Readonly<Record<string, Json>> = {
  initialize: onServer('initialize', { protocol_version: '$params.protocolVersion' }),
  'tools/list': onServer('tools/list'),
  'resources/list': onServer('resources/list'),
  'prompts/list': onServer('prompts/list'),
  'tasks/list': onServer('tasks/list'),
  'tools/call': on('tools/call', 'tool', '$params.name'),
  'resources/read': on('resources/read', 'resource', '$params.uri'),
  'resources/subscribe': on('resources/subscribe', 'resource', '$params.uri'),
  'resources/unsubscribe': on('resources/unsubscribe', 'resource', '$params.uri'),
  'prompts/get': on('prompts/get', 'prompt', '$params.name'),
  'completion/complete': on('completion/complete', "$params.ref.type == 'ref/prompt' ? 'prompt' : 'resource'", "$params.ref.type == 'ref/prompt' ? params.ref.name : params.ref.uri"),
  'logging/setLevel': onServer('logging/setLevel', { level: '$params.level' }),
  'tasks/get': on('tasks/get', 'task', '$params.taskId'),
  'tasks/result': on('tasks/result', 'task', '$params.taskId'),
  'tasks/cancel': on('tasks/cancel', 'task', '$params.taskId'),
  'tasks/update': on('tasks/update', 'task', '$params.taskId'),
  'resources/templates/list': onServer('resources/templates/list'),
  'server/discover': onServer('server/discover'),
  'subscriptions/listen': onServer('subscriptions/listen'),
  // Not of MCP: a request for a grant of this house.
  'access/request': on('access/request', 'grant', '$params.name'),
};

/** Applies a mapping to a request. Throws `request_malformed` on every mapping error: nothing is asked then, and nothing falls back. */
export function applyMapping(mapping: Json, input: MappingInput): readonly Evaluation[] {
  const [envelope, template] = envelopeOf(mapping);
  const claims = { ...input.claims, aud: input.audience };
  const resolved = resolve(template, { params: input.params, token: claims }, '');
  if (!isObject(resolved)) throw mappingError('expected an object');
  if (envelope === 'evaluation') return [toEvaluation(resolved, input)];
  const entries = isObject(template) ? template['evaluations'] : undefined;
  if (!Array.isArray(entries) || entries.length === 0) throw mappingError('expected `evaluations` as a list that is not empty');
  if (resolved['options'] !== undefined) throw mappingError('`options` are not for a mapping to set');
  return (resolved['evaluations'] as readonly Json[]).map((entry) => {
    if (!isObject(entry) || 'subject' in entry) throw mappingError('expected each evaluation to be an object without `subject`');
    return toEvaluation({ ...resolved, ...entry }, input);
  });
}

/** Checks a mapping before anything relies on it: its envelope, and that every expression parses and knows its variables. */
export function verifyMapping(mapping: Json): void {
  const [, template] = envelopeOf(mapping);
  visit(template, (text) => {
    verifyBounded(text);
    const check = environment.check(text);
    if (!check.valid) throw mappingError(`\`$${text}\`: ${firstLine(check.error)}`);
  });
}

function envelopeOf(mapping: Json): readonly ['evaluation' | 'evaluations', Json] {
  const keys = isObject(mapping) ? Object.keys(mapping) : [];
  const [key] = keys;
  if (!isObject(mapping) || keys.length !== 1 || (key !== 'evaluation' && key !== 'evaluations')) throw mappingError('expected exactly one of `evaluation` and `evaluations`');
  return [key, mapping[key] ?? null];
}

function toEvaluation(body: JsonObject, { claims }: MappingInput): Evaluation {
  const given = isObject(body['subject']) ? body['subject'] : {};
  const mapped = { ...given, type: 'type' in given ? given['type'] : 'identity', id: 'id' in given ? given['id'] : claims['sub'] };
  // Only the validated token says who the subject is; what a server or a caller says instead is not believed.
  if (typeof claims['sub'] !== 'string' || mapped.id !== claims['sub']) throw mappingError('expected `subject.id` to be the identity in the token');
  const action = body['action'];
  if (!isObject(action) || typeof action['name'] !== 'string' || action['name'] === '') throw mappingError('expected `action.name`');
  return { subject: mapped, action, resource: toResource(body['resource']), context: isObject(body['context']) ? body['context'] : {} };
}

function toResource(resource: Json | undefined): Evaluation['resource'] {
  if (!isObject(resource) || typeof resource['type'] !== 'string' || typeof resource['id'] !== 'string' || resource['type'] === '' || resource['id'] === '') {
    throw mappingError('expected `resource.type` and `resource.id` to be strings');
  }
  return { type: resource['type'], id: resource['id'], ...(isObject(resource['properties']) && { properties: resource['properties'] }) };
}

/** Values of a template: `$…` is an expression, `$$…` a text that begins with `$`, all else stands for itself. */
function resolve(template: Json | undefined, variables: { readonly params: JsonObject; readonly token: JsonObject }, path: string): Json | undefined {
  if (typeof template === 'string') return template.startsWith('$$') ? template.slice(1) : template.startsWith('$') ? evaluate(template.slice(1), variables, path) : template;
  if (Array.isArray(template)) return template.map((item, index) => resolve(item as Json, variables, `${path}[${index}]`) ?? null);
  if (!isObject(template)) return template;
  const members = Object.entries(template).map(([key, value]) => [key, resolve(value, variables, `${path}.${key}`)] as const);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

function evaluate(expression: string, variables: { readonly params: JsonObject; readonly token: JsonObject }, path: string): Json | undefined {
  let value: unknown;
  try {
    value = programOf(expression)(variables);
  } catch (error) {
    throw mappingError(`expression \`$${expression}\` at \`${path.slice(1)}\` failed: ${firstLine(error)}`);
  }
  const json = toJson(value, path);
  return json === absent ? undefined : json;
}

type Program = (variables: { readonly params: JsonObject; readonly token: JsonObject }) => unknown;

const programs = new Memo<Program>(10_000);

/** A parsed expression; there are as many as mappings have, and they are used again and again. */
function programOf(expression: string): Program {
  return programs.of(expression, () => {
    verifyBounded(expression);
    return environment.parse(expression) as unknown as Program;
  });
}

/** Strings and comments of an expression: neither is code. */
const quotedOrComment = /"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|\/\/[^\n]*/g;

/** An expression is a server's and its input a caller's, so it may neither match patterns nor go through lists inside lists. */
function verifyBounded(expression: string): void {
  if (/(?<![\w$])[rRbB]{1,2}['"]/.test(expression)) throw mappingError('expected no raw strings and no bytes');
  const code = expression.replace(quotedOrComment, ' ');
  const loops = code.match(/\.\s*(?:map|filter|all|exists|exists_one|transformList|transformMap)\s*\(/g) ?? [];
  if (loops.length > 1) throw mappingError('expected at most one of `all`, `exists`, `filter` and `map` in an expression');
  if (/\bmatches\s*\(/.test(code)) throw mappingError('expected no `matches`: patterns of strangers are not run');
}

interface OptionalValue {
  hasValue(): boolean;
  value(): unknown;
}

const isOptional = (value: unknown): value is OptionalValue => typeof value === 'object' && value !== null && typeof (value as Partial<OptionalValue>).hasValue === 'function';

function toJson(value: unknown, path: string): Json | typeof absent {
  if (isOptional(value)) return value.hasValue() ? toJson(value.value(), path) : absent;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item) => toJson(item, path)).filter((item) => item !== absent);
  if (isObject(value) && isPlain(value)) return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => ((json) => (json === absent ? [] : [[key, json]]))(toJson(item, path))));
  throw mappingError(`expected a JSON value at \`${path.slice(1)}\``);
}

/** Times, bytes and types are no JSON values, whatever members they have. */
const isPlain = (value: object): boolean => [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);

function visit(template: Json | undefined, expression: (text: string) => void): void {
  if (typeof template === 'string' && template.startsWith('$') && !template.startsWith('$$')) expression(template.slice(1));
  else if (Array.isArray(template)) template.forEach((item) => visit(item as Json, expression));
  else if (isObject(template)) Object.values(template).forEach((item) => visit(item, expression));
}

const firstLine = (error: unknown) => (error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown').slice(0, 200);

const mappingError = (message: string) => new FlyballError('request_malformed', `COAZ mapping error: ${message}`);
