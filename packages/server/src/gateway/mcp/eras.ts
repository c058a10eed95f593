import { isObject, type JsonObject } from '@flyball/protocol';

/**
 * The Model Context Protocol has two eras on the wire: up to 2025-11-25 a connection begins with `initialize`;
 * from 2026-07-28 on every request stands alone and says its version in `_meta`.
 */
export type Era = 'sessions' | 'stateless';

export const statelessVersion = '2026-07-28';
export const sessionVersions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;

const versionKey = 'io.modelcontextprotocol/protocolVersion';
const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities';

/** Request methods that exist in each era; any other is not implemented here and reaches nobody. */
const both = ['tools/list', 'tools/call', 'prompts/list', 'prompts/get', 'resources/list', 'resources/templates/list', 'resources/read', 'completion/complete', 'tasks/get', 'tasks/cancel'];
const methods: Readonly<Record<Era, ReadonlySet<string>>> = {
  sessions: new Set([...both, 'initialize', 'ping', 'resources/subscribe', 'resources/unsubscribe', 'logging/setLevel', 'tasks/result', 'tasks/list']),
  stateless: new Set([...both, 'server/discover', 'subscriptions/listen', 'tasks/update']),
};

/** Notifications that a client has to send; any other reaches nobody: a server might take it for a request. */
const notifications = new Set(['notifications/initialized', 'notifications/cancelled', 'notifications/progress', 'notifications/roots/list_changed', 'notifications/tasks/status']);

export const isClientNotification = (method: string): boolean => notifications.has(method);

export const isMethodOf = (era: Era, method: string): boolean => methods[era].has(method);

/** Which era a request belongs to: its own claim decides; without one, the version header. */
export function eraOf(params: JsonObject, versionHeader: string | undefined): Era {
  const version = claimedVersion(params) ?? versionHeader;
  return version === undefined || (sessionVersions as readonly string[]).includes(version) ? 'sessions' : 'stateless';
}

export function claimedVersion(params: JsonObject): string | undefined {
  const meta = params['_meta'];
  const claim = isObject(meta) ? meta[versionKey] : undefined;
  return typeof claim === 'string' ? claim : undefined;
}

/** What a stateless request must say about itself and does not. */
export function missingMeta(params: JsonObject): string | undefined {
  const meta = params['_meta'];
  if (!isObject(meta) || typeof meta[versionKey] !== 'string') return versionKey;
  return isObject(meta[capabilitiesKey]) ? undefined : capabilitiesKey;
}
