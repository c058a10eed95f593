import { isObject, type Json, type JsonObject } from '@flyball/protocol';
import { sessionVersions, statelessVersion } from './eras.js';

/** What one upstream said about itself when the connection began. */
export interface Introduction {
  readonly upstream: string;
  readonly result: JsonObject;
}

export const serverInfo: JsonObject = { name: 'flyball', version: '0.1.0' };

/** One introduction for several servers behind one endpoint: the oldest of their versions, all of their capabilities. */
export function mergeIntroductions(introductions: readonly Introduction[]): JsonObject {
  const [only, ...others] = introductions;
  if (only && others.length === 0) return only.result;
  const versions = introductions.map(({ result }) => String(result['protocolVersion'])).sort();
  const instructions = introductions.flatMap(({ upstream, result }) => (typeof result['instructions'] === 'string' ? [`${upstream}: ${result['instructions']}`] : []));
  return {
    protocolVersion: versions[0] ?? sessionVersions[0],
    capabilities: mergeCapabilities(introductions),
    serverInfo,
    ...(instructions.length > 0 && { instructions: instructions.join('\n\n') }),
  };
}

function mergeCapabilities(introductions: readonly Introduction[]): JsonObject {
  const merged: Record<string, Json> = {};
  for (const { result } of introductions) {
    const capabilities = isObject(result['capabilities']) ? result['capabilities'] : {};
    for (const [name, value] of Object.entries(capabilities)) {
      const known = merged[name];
      merged[name] = isObject(known) && isObject(value) ? { ...known, ...value } : (value ?? {});
    }
  }
  return merged;
}

/** The same introduction as the stateless era asks for it. */
export function toDiscovery(introductions: readonly Introduction[]): JsonObject {
  const { capabilities, instructions, serverInfo: info } = mergeIntroductions(introductions);
  // Requests of the upstream's own have no way through to a client of this era, nor do its tasks.
  const { tasks: _tasks, ...rest } = isObject(capabilities) ? capabilities : {};
  return {
    resultType: 'complete',
    supportedVersions: [statelessVersion],
    capabilities: rest,
    ...(instructions !== undefined && { instructions }),
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { 'io.modelcontextprotocol/serverInfo': isObject(info) ? info : serverInfo },
  };
}

const cacheable = new Set(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read']);

/** A result of a server of the era of sessions, with what the stateless era wants in each. */
export function toStateless(method: string, result: JsonObject): JsonObject {
  return { resultType: 'complete', ...(cacheable.has(method) && { ttlMs: 0, cacheScope: 'private' }), ...result };
}

/** A request's parameters without what only the stateless era says in them. */
export function toSessions(params: JsonObject): JsonObject {
  const { _meta: meta, inputResponses: _responses, requestState: _state, ...rest } = params;
  const kept = isObject(meta) ? Object.entries(meta).filter(([key]) => !key.startsWith('io.modelcontextprotocol/')) : [];
  return kept.length > 0 ? { ...rest, _meta: Object.fromEntries(kept) } : rest;
}
