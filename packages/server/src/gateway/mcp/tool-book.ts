import { digestOf, type Entry, isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { ToolDefinition } from '../../action/states.js';
import type { Clock } from '../../lib/clock.js';
import { limits } from '../../lib/limits.js';

/** Digests of definitions that count as known, by tool: first seen, or accepted by an administrator since. */
export type PinState = Readonly<Record<string, string>>;

/** What the book needs of the record and of the bundle. */
export interface PinRecord {
  read(stream: string): Promise<{ readonly version: number; readonly state: PinState | undefined }>;
  append(draft: { readonly kind: 'tool.pinned' | 'tool.accepted'; readonly streams: readonly { readonly stream: string; readonly expected?: number }[]; readonly body: unknown }): Promise<Entry | undefined>;
  /** The definition that the bundle pins, if it pins this upstream's. */
  bundled(upstream: string, name: string): Json | undefined;
}

/** Asks an upstream for one page of its tools. */
export type ListTools = (cursor: string | undefined) => Promise<JsonObject>;

interface Observed {
  readonly at: number;
  readonly tools: ReadonlyMap<string, JsonObject>;
}

const freshMs = 5 * 60_000;

export const pinStream = (upstream: string): string => `tools:${upstream}`;

export function foldPins(state: PinState | undefined, entry: Entry): PinState {
  const { tools } = entry.body as { readonly tools: PinState };
  return { ...state, ...tools };
}

/**
 * What upstreams say about their tools, held against what was known of them. A definition that changed is
 * quarantined until somebody accepts it: a description is part of what was agreed to.
 */
export class ToolBook {
  readonly #observed = new Map<string, Observed>();
  readonly #stale = new Set<string>();

  constructor(
    private readonly record: PinRecord,
    private readonly clock: Clock,
  ) {}

  /** Definition of one tool as its server gives it now, or nothing when it lists no such tool. */
  async find(upstream: string, name: string, list: ListTools): Promise<ToolDefinition | undefined> {
    const known = this.#observed.get(upstream);
    if (!known || this.#stale.has(upstream) || this.clock.now() - known.at > freshMs) await this.#refresh(upstream, list);
    const definition = this.#observed.get(upstream)?.tools.get(name);
    return definition && this.judge(upstream, definition);
  }

  /** The server says that its tools changed: the next call asks for them again. */
  invalidate(upstream: string): void {
    this.#stale.add(upstream);
  }

  /** Takes note of listed tools; what is seen for the first time is pinned as it is. */
  async observe(upstream: string, tools: readonly JsonObject[]): Promise<void> {
    const known = this.#observed.get(upstream)?.tools ?? new Map<string, JsonObject>();
    const merged = new Map([...known, ...tools.map((tool) => [String(tool['name']), tool] as const)].slice(0, limits.toolsPerUpstreamMax));
    // Pinned before anyone can find it, or a call at the same moment would take what is new for what was changed.
    await this.#pinNew(upstream, tools);
    this.#observed.set(upstream, { at: this.clock.now(), tools: merged });
  }

  async judge(upstream: string, definition: JsonObject): Promise<ToolDefinition> {
    const name = String(definition['name']);
    const digest = definitionDigest(definition);
    const { state } = await this.record.read(pinStream(upstream));
    const bundled = this.record.bundled(upstream, name);
    const pinned = state && Object.hasOwn(state, name) ? state[name] : undefined;
    const agreed = digest === pinned || (bundled !== undefined && digest === digestOf(bundled));
    return { name, digest, accepted: agreed && !hidesText(definition), definition };
  }

  /** Every tool that upstreams have listed since this node started, and whether it is as it was agreed to. */
  async list(): Promise<readonly { readonly upstream: string; readonly tool: string; readonly digest: string; readonly accepted: boolean }[]> {
    const all = [...this.#observed].flatMap(([upstream, { tools }]) => [...tools.values()].map((definition) => ({ upstream, definition })));
    return Promise.all(all.map(async ({ upstream, definition }) => {
      const { name, digest, accepted } = await this.judge(upstream, definition);
      return { upstream, tool: name, digest, accepted };
    }));
  }

  async accept(upstream: string, name: string, person: string): Promise<string> {
    const definition = this.#observed.get(upstream)?.tools.get(name);
    if (!definition) return '';
    const digest = digestOf(definition);
    await this.record.append({ kind: 'tool.accepted', streams: [{ stream: pinStream(upstream) }], body: { upstream, tools: { [name]: digest }, person } });
    return digest;
  }

  async #refresh(upstream: string, list: ListTools): Promise<void> {
    const tools: JsonObject[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < limits.pagesMax; page++) {
      const result = await list(cursor);
      tools.push(...toolsOf(result));
      cursor = typeof result['nextCursor'] === 'string' ? result['nextCursor'] : undefined;
      if (cursor === undefined || tools.length > limits.toolsPerUpstreamMax) break;
    }
    this.#stale.delete(upstream);
    await this.observe(upstream, tools);
    // What the server no longer lists is no longer there.
    const listed = new Set(tools.map((tool) => tool['name']));
    const left = [...(this.#observed.get(upstream)?.tools ?? [])].filter(([name]) => listed.has(name));
    this.#observed.set(upstream, { at: this.clock.now(), tools: new Map(left) });
  }

  /** With definitions in the bundle, only those count; else the first sight does. */
  async #pinNew(upstream: string, tools: readonly JsonObject[]): Promise<void> {
    for (let round = 0; round < limits.decideRoundsMax; round++) {
      const { version, state } = await this.record.read(pinStream(upstream));
      const fresh = tools.filter((tool) => !Object.hasOwn(state ?? {}, String(tool['name'])) && this.record.bundled(upstream, String(tool['name'])) === undefined);
      if (fresh.length === 0) return;
      const body = { upstream, tools: Object.fromEntries(fresh.map((tool) => [String(tool['name']), digestOf(tool)])) };
      if (await this.record.append({ kind: 'tool.pinned', streams: [{ stream: pinStream(upstream), expected: version }], body })) return;
    }
  }
}

const digests = new WeakMap<JsonObject, string>();

/** Digest of a definition; the same object is digested once. */
function definitionDigest(definition: JsonObject): string {
  const digest = digests.get(definition) ?? digestOf(definition);
  digests.set(definition, digest);
  return digest;
}

export function toolsOf(result: JsonObject): readonly JsonObject[] {
  const tools = result['tools'];
  return Array.isArray(tools) ? (tools as readonly Json[]).filter((tool): tool is JsonObject => isObject(tool) && typeof tool['name'] === 'string' && isDigestible(tool)) : [];
}

const levelsMost = 64;

/** A definition that has no canonical text, or that is deeper than anyone reads, cannot be agreed to: it is as if it were not there. */
function isDigestible(value: unknown, level = 0): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return level < levelsMost && Object.entries(value).every(([key, item]) => key.isWellFormed() && isDigestible(item, level + 1));
}

/** Characters that a person does not see and a model reads: tags, selectors, fillers, changes of direction; a single joiner is part of some scripts. */
const hidden = /[\u{E0000}-\u{E0FFF}\u202A-\u202E\u2066-\u2069\u2061-\u2064\u115F\u1160\u3164\uFFA0]|[\u200B-\u200D\u2060\uFEFF]{2,}/u;

const hidesText = (definition: JsonObject): boolean => hidden.test(JSON.stringify(definition));
