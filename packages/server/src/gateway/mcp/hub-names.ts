import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { Stages } from '../../action/stages.js';
import type { RpcRequest } from './message.js';

/** What stands before a server's names when several servers share an endpoint; empty for a server alone. */
export interface Namespace {
  readonly upstream: string;
  readonly prefix: string;
}

/** Which list of a result carries names, by method. */
const lists: Readonly<Record<string, string>> = { 'tools/list': 'tools', 'prompts/list': 'prompts', 'resources/list': 'resources', 'resources/templates/list': 'resourceTemplates', 'tasks/list': 'tasks' };

export const listedIn = (method: string): string | undefined => lists[method];

/** The server and its own name for what a client names: the longest prefix that fits. */
export function resolveName(name: string, namespaces: readonly Namespace[]): { readonly upstream: string; readonly own: string } | undefined {
  const fitting = namespaces.filter(({ prefix }) => name.startsWith(prefix) && name.length > prefix.length).sort((a, b) => b.prefix.length - a.prefix.length);
  const [best] = fitting;
  return best && { upstream: best.upstream, own: name.slice(best.prefix.length) };
}

/** Name of the endpoint itself among the upstreams. */
export const ownName = 'flyball';

/** Which upstream a request goes to, and its own name for the target there. */
export interface Destination {
  readonly upstream: string;
  readonly name: string;
}

export function destinationOf(request: RpcRequest, target: string, upstreams: readonly Namespace[], owners: Owners): Destination {
  const [only, ...others] = upstreams;
  if (only && others.length === 0) return { upstream: only.upstream, name: target };
  const reference = request.method === 'completion/complete' && isObject(request.params['ref']) ? request.params['ref']['type'] : undefined;
  if (request.method === 'tools/call' || request.method === 'prompts/get' || reference === 'ref/prompt') {
    const resolved = resolveName(target, upstreams);
    return resolved ? { upstream: resolved.upstream, name: resolved.own } : { upstream: ownName, name: target };
  }
  return { upstream: (target === '' ? undefined : owners.find(target)) ?? ownName, name: target };
}

/** Requests that concern the endpoint as a whole; every other one goes to the server that it was decided for, or to none. */
export const isForEveryone = (method: string): boolean => listedIn(method) !== undefined || ['initialize', 'server/discover', 'subscriptions/listen', 'logging/setLevel'].includes(method);

/** True for what no upstream has: it goes to none of them, whatever the catalogue says of their names. */
export const isNobodys = (method: string, { upstream }: Destination): boolean => upstream === ownName && !isForEveryone(method);

/** The flow for what is nobody's: who asks and in which session is found out as ever, and then it is refused, and recorded. */
export const refusingNobodys = (stages: Stages): Stages => ({
  ...stages,
  decide: ({ call: { method, name } }) => Promise.reject(new FlyballError('action_unknown', 'no such action', { detail: `\`${method} ${name.slice(0, nameShownMost)}\` is at none of this endpoint's servers` })),
});

const nameShownMost = 128;

/** Items of a list with their names as clients see them. */
export function prefixed(items: readonly JsonObject[], prefix: string, field: string): readonly JsonObject[] {
  if (prefix === '' || (field !== 'tools' && field !== 'prompts')) return items;
  return items.map((item) => ({ ...item, name: `${prefix}${String(item['name'])}` }));
}

export function itemsOf(result: JsonObject, field: string): readonly JsonObject[] {
  const items = result[field];
  return Array.isArray(items) ? (items as readonly Json[]).filter(isObject) : [];
}

/**
 * Which server a resource or a task belongs to, from what servers have listed and answered. Its URI stays as
 * it is: results refer to it in more places than could be rewritten.
 */
export class Owners {
  readonly #exact = new Map<string, string>();
  readonly #templates: { readonly start: string; readonly upstream: string }[] = [];

  learn(upstream: string, field: string, items: readonly JsonObject[]): void {
    for (const item of items) {
      const key = item[field === 'tasks' ? 'taskId' : 'uri'];
      if (typeof key === 'string' && !this.#exact.has(key)) this.#exact.set(key, upstream);
      const template = item['uriTemplate'];
      if (typeof template === 'string') this.#templates.push({ start: template.split('{')[0] ?? '', upstream });
    }
  }

  find(key: string): string | undefined {
    const byTemplate = () => [...this.#templates].sort((a, b) => b.start.length - a.start.length).find(({ start }) => start !== '' && key.startsWith(start))?.upstream;
    return this.#exact.get(key) ?? byTemplate();
  }
}
