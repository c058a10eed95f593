import { isObject, type Json, type JsonObject } from '@flyball/protocol';

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
