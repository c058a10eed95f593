import type { Action } from '@flyball/protocol';
import { accessMethod } from './grants.js';

const builtIn = (method: string, group: string): Action => ({
  name: method,
  tier: 'inspect',
  reversible: true,
  automation: 'constrained',
  groups: [group],
  reads: [],
  releases: [],
  spends: {},
  match: { upstream: '*', method, name: '*' },
});

/** Requests that only set up or describe a connection, and those that read what a server offers. */
const protocolMethods = [
  'initialize',
  'server/discover',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
  'tasks/list',
  'tasks/get',
  'tasks/result',
  'tasks/cancel',
  'tasks/update',
  'logging/setLevel',
  'completion/complete',
  'subscriptions/listen',
];
const contentMethods = ['resources/read', 'resources/subscribe', 'resources/unsubscribe', 'prompts/get'];

/** A request for a grant. It changes what an identity may do, so its outcome is durable before anybody is told. */
const accessRequest: Action = { ...builtIn(accessMethod, 'access'), name: 'access.request', tier: 'act', match: { upstream: 'flyball', method: accessMethod, name: '*' } };

/**
 * The actions of the Model Context Protocol itself, named as COAZ names them: by their method. A bundle may
 * catalogue any of them more narrowly; so with `access.request`, which is this house's own. Whatever method is in neither is unknown, and denied.
 */
export const protocolActions: readonly Action[] = [
  ...protocolMethods.map((method) => builtIn(method, 'mcp-protocol')),
  ...contentMethods.map((method) => builtIn(method, 'mcp-content')),
  accessRequest,
];
