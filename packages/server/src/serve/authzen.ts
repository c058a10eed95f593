import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import { accessRequestsOf } from './access-requests.js';
import { Evaluator, verifyOwnToken } from '../api/authzen/evaluator.js';
import { Metadata } from '../api/authzen/metadata.js';
import { authzenRoute } from '../api/authzen/route.js';
import { Searcher } from '../api/authzen/searcher.js';
import type { Config } from '../config.js';
import { callerOf, identified, received } from '../gateway/mcp/index.js';
import { parseKey, readOrMakeKey } from '../lib/ed25519-key.js';
import { evaluationMethod } from '../policy/index.js';
import type { Governor } from '../wiring.js';

const gateway = 'authzen';

/**
 * The AuthZEN API of a governor.
 *
 * @param port the machines' port, once it is known
 */
export function authzenOf(governor: Governor, config: Config, portOf: () => number): (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean> {
  const { port, policy, ledger } = governor;
  const { stages } = port;
  const attemptOf = (request: IncomingMessage, call: Parameters<typeof received>[2], timeoutMs: number) => received(port, { ...callerOf(request), gateway }, call, timeoutMs);
  const key = keyOf(config);
  const origin = () => originOf(config, portOf());
  const requests = accessRequestsOf(governor, config, { origin, key, attemptOf });
  const authzen = authzenRoute({
    evaluator: new Evaluator(stages, [], requests?.profile),
    searcher: new Searcher({ stages, search: (situated, wish) => policy.search(situated, wish), append: (draft) => ledger.append(draft) }),
    outcomes: { find: (id) => ledger.store.find(id), append: (draft) => ledger.append(draft) },
    metadata: new Metadata(key, requests ? [requests.metadata] : []),
    tenant: config.tenant,
    origin,
    askerOf: (request) => ({ received: (call, timeoutMs) => attemptOf(request, call, timeoutMs) }),
    identify: async (request, asksFor) => {
      const decides = asksFor === 'decisions';
      const attempt = attemptOf(request, { upstream: '', method: decides ? evaluationMethod : 'outcome', name: '', params: {}, args: {} }, 0);
      return (await identified(port, attempt, decides ? verifyOwnToken : undefined)).principal;
    },
    trouble: (error) => port.log('error', 'an enforcement point could not be answered', { reason: error.cause instanceof Error ? error.cause.message : error.message }),
  });
  return async (request, response, path) => (await requests?.route(request, response, path)) || authzen(request, response, path);
}

/** What signs metadata, denials and approvals: of this node, or of all that answer as one. */
function keyOf({ authzen, data, secretOf }: Config): KeyObject {
  if (!authzen) return readOrMakeKey(join(data, 'authzen-key.pem'));
  const pem = secretOf(authzen.key_from_env);
  if (!pem) throw new FlyballError('config_invalid', `expected the environment variable \`${authzen.key_from_env}\` with the key that \`authzen\` signs with`);
  return parseKey(pem.reveal(), authzen.key_from_env);
}

/** Scheme and authority by which machines know this server: those of its resource, or where it listens. */
export function originOf({ resource, machines }: Config, port: number): string {
  return resource === undefined ? `${machines.tls ? 'https' : 'http'}://${machines.host}:${port}` : new URL(resource).origin;
}
