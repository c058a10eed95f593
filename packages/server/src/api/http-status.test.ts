import { type ErrorCode, errorCodes, FlyballError } from '@flyball/protocol';
import { expect, test } from 'vitest';
import { administratorsApi } from './administrators.js';
import { problemAnswer } from './arap/problem.js';
import { statusOf } from './authzen/decision.js';

/** Nothing where the error is an answer, which is told with 200. */
const told: Readonly<Record<ErrorCode, readonly [administrators: number, accessRequests: number, evaluations: number | undefined]>> = {
  usage: [400, 400, undefined],
  not_canonical: [400, 400, undefined],
  request_malformed: [400, 400, 400],
  request_too_large: [413, 413, 413],
  config_invalid: [400, 400, undefined],
  bundle_invalid: [400, 400, undefined],
  store_locked: [400, 400, undefined],
  store_unavailable: [503, 503, 503],
  conflict: [409, 409, undefined],
  already_settled: [409, 409, 409],
  not_found: [404, 404, 404],
  unauthenticated: [401, 401, 401],
  identity_refused: [403, 403, 403],
  session_refused: [403, 403, 403],
  action_unknown: [403, 403, undefined],
  tool_quarantined: [400, 400, undefined],
  denied: [403, 403, undefined],
  held: [400, 400, undefined],
  approval_refused: [403, 403, undefined],
  overloaded: [503, 429, undefined],
  performed_failed: [400, 400, undefined],
  performed_unknown: [400, 400, undefined],
  output_refused: [400, 400, undefined],
  log_broken: [500, 500, 500],
  internal: [500, 500, 500],
};

async function ofAdministrators(error: FlyballError): Promise<number> {
  const routes = [{ method: 'GET', path: '/', right: 'anyone', answer: () => Promise.reject(error) }] as const;
  return (await administratorsApi({ allowedHosts: new Set(['localhost']), token: () => Promise.reject(error) }, routes).request('http://localhost/', { headers: { host: 'localhost' } })).status;
}

test.each(errorCodes)('law: %s has one status in each API', async (code) => {
  const error = new FlyballError(code, 'no');
  expect([await ofAdministrators(error), problemAnswer(error).status, statusOf(error)]).toEqual(told[code]);
});
