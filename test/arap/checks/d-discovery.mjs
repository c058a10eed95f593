import { claimsOf, headerOf, isJws, isSignedBy } from '../jose.mjs';
import { expect, NotApplicable } from '../verdicts.mjs';
import { isHttps } from '../world.mjs';

const section = 'Discovery';
const capability = 'urn:openid:authzen:capability:access-request';

/** The values that the product signs: its binding token, as far as it has one. */
async function signedToken(world) {
  const { hint } = await world.denial();
  if (!isJws(hint.binding_token)) throw new NotApplicable('the product signs no `binding_token` as a JWS');
  return hint.binding_token;
}

export const checks = [
  {
    id: 'D1',
    section,
    level: 'MUST',
    what: 'the metadata name an access request endpoint, with https',
    run: async (world) => {
      const { access_request_endpoint: endpoint } = await world.metadata();
      expect(isHttps(endpoint), `\`access_request_endpoint\` is ${JSON.stringify(endpoint)}`);
    },
  },
  {
    id: 'D2',
    section,
    level: 'SHOULD',
    what: 'the metadata list the capability of access requests',
    run: async (world) => {
      const { capabilities } = await world.metadata();
      expect(Array.isArray(capabilities) && capabilities.includes(capability), `\`capabilities\` are ${JSON.stringify(capabilities)}`);
    },
  },
  {
    id: 'D3',
    section,
    level: 'MUST',
    what: 'who signs publishes the keys: `jwks_uri` is https and leads to a JWK Set of public keys',
    run: async (world) => {
      await signedToken(world);
      const { jwks_uri: uri } = await world.metadata();
      expect(isHttps(uri), `\`jwks_uri\` is ${JSON.stringify(uri)}`);
      const { keys } = await world.jwks();
      expect(keys.length > 0, 'the JWK Set is empty');
      const secret = keys.filter((key) => ['d', 'k', 'p', 'q'].some((member) => Object.hasOwn(key, member)));
      expect(secret.length === 0, 'the JWK Set gives private keys away');
    },
  },
  {
    id: 'D4',
    section,
    level: 'SHOULD',
    what: 'keys have a `kid` and `use`, and signed values name their key',
    run: async (world) => {
      const token = await signedToken(world);
      const { keys } = await world.jwks();
      expect(keys.every(({ kid, use }) => typeof kid === 'string' && typeof use === 'string'), 'a key has no `kid` or no `use`');
      const { kid } = headerOf(token);
      expect(keys.some((key) => key.kid === kid), `the token names the key ${JSON.stringify(kid)}, which is not published`);
    },
  },
  {
    id: 'D5',
    section: 'Discovery; Binding Token Integrity',
    level: 'MUST',
    what: 'a signed binding token verifies with a published key',
    run: async (world) => {
      const token = await signedToken(world);
      expect(await isSignedBy(token, await world.jwks()), 'no published key made the signature');
      expect(claimsOf(token), 'the token has no claims');
    },
  },
  {
    id: 'D6',
    section,
    level: 'MUST',
    what: 'the endpoint in the metadata is one that takes submissions',
    run: async (world) => {
      const found = await world.denial();
      const answer = await world.submit(world.body(found));
      expect([201, 202].includes(answer.status), `a submission to the published endpoint was answered with ${answer.status}: ${answer.text.slice(0, 200)}`);
    },
  },
];
