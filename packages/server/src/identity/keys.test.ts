import type { JWK } from 'jose';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { audience, FakeClock, issuerName, json, localServer, type LocalServer, refusal, type Signer, signer } from '../../../../test/support/identity-kit.js';
import { limits } from '../lib/limits.js';
import { oidcIssuer } from './issuers.js';
import { KeySet, keySuits } from './keys.js';
import { verifyToken } from './tokens.js';

let first: Signer;
let second: Signer;
beforeAll(async () => {
  [first, second] = await Promise.all([signer('one'), signer('two')]);
});

const suits = (key: JWK, alg: string) => keySuits(key, alg, 'sig');
const minutes = (count: number) => count * 60_000;

/** A key set whose source can be changed, broken and held up. */
function source(clock: FakeClock, keys: readonly JWK[]) {
  const state = { answer: { keys } as unknown, fetches: 0, broken: false, gate: undefined as Promise<void> | undefined };
  const fetchKeys = async () => {
    state.fetches++;
    await state.gate;
    if (state.broken) throw new Error('unreachable');
    return state.answer;
  };
  return { state, set: new KeySet(fetchKeys, clock, suits) };
}

describe('how often a key set is asked for', () => {
  test('abuse 6: ten thousand tokens with unknown keys cause one request in ten seconds', async () => {
    const clock = new FakeClock();
    const { state, set } = source(clock, [first.jwk]);
    const found = await set.find('one', 'ES256');
    expect(found).toBeDefined();
    clock.ms += 10_000;
    const answers = await Promise.all(Array.from({ length: 10_000 }, (_, i) => refusal(set.find(`unknown-${i}`, 'ES256'))));
    expect(new Set(answers)).toEqual(new Set(['unauthenticated: token refused: key (no key for this token)']));
    expect(state.fetches).toBe(2);
    clock.ms += 9_999;
    await refusal(set.find('unknown', 'ES256'));
    expect(state.fetches).toBe(2);
    clock.ms += 1;
    await refusal(set.find('unknown', 'ES256'));
    expect(state.fetches).toBe(3);
  });

  test('abuse 6: whoever comes while the keys are fetched waits for the same answer', async () => {
    const clock = new FakeClock();
    const { state, set } = source(clock, [first.jwk]);
    let open: () => void = () => undefined;
    state.gate = new Promise((resolve) => (open = resolve));
    const waiting = Array.from({ length: 50 }, () => refusal(set.find('one', 'ES256')));
    clock.ms += minutes(1);
    const later = Array.from({ length: 50 }, () => refusal(set.find('one', 'ES256')));
    open();
    expect(new Set(await Promise.all([...waiting, ...later]))).toEqual(new Set(['accepted']));
    expect(state.fetches).toBe(1);
  });

  test('story: a rotated key is found at once, the old one is gone with the next look', async () => {
    const clock = new FakeClock();
    const { state, set } = source(clock, [first.jwk]);
    await set.find('one', 'ES256');
    state.answer = { keys: [second.jwk] };
    clock.ms += 10_000;
    expect(await refusal(set.find('two', 'ES256'))).toBe('accepted');
    expect(await refusal(set.find('one', 'ES256'))).toMatch(/no key for this token/);
  });

  test.each([
    [minutes(60), 'accepted'],
    [minutes(60) + 1, 'unauthenticated: token refused: key'],
  ])('law: keys that cannot be fetched again serve for one hour and no longer (after %i ms)', async (age, expected) => {
    const clock = new FakeClock();
    const { state, set } = source(clock, [first.jwk]);
    await set.find('one', 'ES256');
    state.broken = true;
    clock.ms += age;
    expect(await refusal(set.find('one', 'ES256'))).toContain(expected);
  });

  test('story: the record tells a missing key from keys that could not be fetched', async () => {
    const clock = new FakeClock();
    const { state, set } = source(clock, [first.jwk]);
    expect(await refusal(set.find('two', 'ES256'))).toContain('(no key for this token)');
    state.broken = true;
    clock.ms += minutes(61);
    expect(await refusal(set.find('one', 'ES256'))).toContain('(the keys are unavailable or too old)');
  });

  test('attack: an answer that is no key set does not take the good keys away', async () => {
    const clock = new FakeClock();
    const { state, set } = source(clock, [first.jwk]);
    await set.find('one', 'ES256');
    clock.ms += minutes(10);
    for (const answer of [undefined, null, 'keys', [], {}, { keys: {} }, { keys: null }, { keys: Array.from({ length: limits.jwksKeysMax + 1 }, () => second.jwk) }]) {
      state.answer = answer;
      clock.ms += 10_000;
      expect(await refusal(set.find('one', 'ES256'))).toBe('accepted');
    }
    expect(state.fetches).toBe(9);
  });

  test('attack: strange members of a key set are passed over', async () => {
    const { set } = source(new FakeClock(), [null, 1, 'key', [], {}, { kty: 1 }, { kty: 'EC', kid: 'one', crv: 'P-256' }] as unknown as JWK[]);
    expect(await refusal(set.find('two', 'ES256'))).toMatch(/no key for this token/);
    expect(await refusal(set.find('one', 'ES256'))).not.toBe('accepted');
  });

  test('attack: without a `kid` a key is used only if it is the one that can be meant', async () => {
    expect(await refusal(source(new FakeClock(), [first.jwk]).set.find(undefined, 'ES256'))).toBe('accepted');
    expect(await refusal(source(new FakeClock(), [first.jwk, second.jwk]).set.find(undefined, 'ES256'))).toMatch(/no key for this token/);
  });
});

describe('where keys come from', () => {
  const servers: LocalServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  const serve = async (answer: Parameters<typeof localServer>[0]) => {
    const server = await localServer(answer);
    servers.push(server);
    return server;
  };
  const settings = { issuer: issuerName, audience, algorithms: ['ES256'], allowPrivate: true };

  test('story: keys are found by discovery at the issuer itself', async () => {
    const server: LocalServer = await serve((request, response) => {
      const body = request.url === '/.well-known/openid-configuration' ? { issuer: server.url, jwks_uri: `${server.url}/keys` } : { keys: [first.jwk] };
      json(body)(request, response);
    });
    const issuer = oidcIssuer({ ...settings, issuer: server.url }, new FakeClock());
    expect(await refusal(verifyToken(await first.sign({ iss: server.url }), [issuer], new FakeClock()))).toBe('accepted');
  });

  test.each(['https://other.example', `${issuerName}/`, undefined, null, 1])('attack: a discovery document of the issuer %j is not ours', async (named) => {
    const server: LocalServer = await serve((request, response) => json({ issuer: named, jwks_uri: `${server.url}/keys`, keys: [first.jwk] })(request, response));
    const issuer = oidcIssuer({ ...settings, issuer: server.url }, new FakeClock());
    expect(await refusal(verifyToken(await first.sign({ iss: server.url }), [issuer], new FakeClock()))).toMatch(/^unauthenticated: token refused: key/);
  });

  test('abuse 5: a discovery document leads to no other place inside, also where its own address was allowed', async () => {
    const inside = await serve(json({ keys: [first.jwk] }));
    const server: LocalServer = await serve((request, response) => json({ issuer: server.url, jwks_uri: `${inside.url}/latest/meta-data` })(request, response));
    const issuer = oidcIssuer({ ...settings, issuer: server.url }, new FakeClock());
    expect(await refusal(verifyToken(await first.sign({ iss: server.url }), [issuer], new FakeClock()))).toMatch(/^unauthenticated: token refused: key/);
    expect(inside.hits()).toBe(0);
  });

  test('abuse 6: a key set of ten thousand keys, or of a megabyte, is refused', async () => {
    const many = await serve(json({ keys: Array.from({ length: 10_000 }, (_, i) => ({ kty: 'EC', kid: `${i}` })) }));
    const large = await serve(json({ keys: [first.jwk], padding: 'x'.repeat(1_000_000) }));
    for (const { url } of [many, large]) {
      const issuer = oidcIssuer({ ...settings, jwksUrl: url }, new FakeClock());
      expect(await refusal(verifyToken(await first.sign(), [issuer], new FakeClock()))).toMatch(/^unauthenticated: token refused: key/);
    }
  });

  test('abuse 6: a key server that never finishes holds nobody up for longer than its bound', { timeout: 15_000 }, async () => {
    let requests = 0;
    const slow = await serve((_request, response) => {
      requests++;
      response.writeHead(200, { 'content-type': 'application/json' });
      const drip = setInterval(() => response.write(' '), 50);
      response.on('close', () => clearInterval(drip));
    });
    const issuer = oidcIssuer({ ...settings, jwksUrl: slow.url }, new FakeClock());
    const token = await first.sign();
    const start = performance.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () => refusal(verifyToken(token, [issuer], new FakeClock()))));
    expect(performance.now() - start).toBeLessThan(7_000);
    expect(answers.every((answer) => answer.startsWith('unauthenticated: token refused: key'))).toBe(true);
    expect(requests).toBe(1);
  });
});
