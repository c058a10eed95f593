import type { KeyObject } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { FlyballError } from '@flyball/protocol';
import { accessRoutes } from '../api/access-requests.js';
import { deskRoutes } from '../api/administrators.js';
import { installationRoute } from '../api/installation-route.js';
import { pageRoutes } from '../api/people/pages.js';
import { passkeyRoutes } from '../api/people/passkey-routes.js';
import { questionRoutes } from '../api/people/question-routes.js';
import { SignIn } from '../api/people/sign-in.js';
import { meRoute, signInRoutes } from '../api/people/sign-in-routes.js';
import type { Gate } from '../api/gate.js';
import type { Caller, Route } from '../api/route.js';
import { waitingRoutes } from '../api/waiting-routes.js';
import type { Config } from '../config.js';
import { administratorsAudience, type Issuer, loadLocalKey, localKeyIssuer, oidcIssuer, operatorName, type Proven, Provider, publicPart, recognise, type RecogniseSettings, signProof, verifyToken } from '../identity/index.js';
import type { Clock } from '../lib/clock.js';
import { requiredSecret } from '../lib/required-secret.js';
import type { Governor } from '../wiring.js';

const tellEveryMs = 60_000;

const pages = fileURLToPath(new URL('../../pages', import.meta.url));

type SignInConfig = NonNullable<Config['sign_in']>;

export interface FrontDoor {
  readonly gate: Gate;
  readonly routes: readonly Route[];
}

/**
 * How people come in on the administrators' listener, and what is there.
 *
 * @param listening scheme, host and port of that listener
 */
export function frontDoor(governor: Governor, config: Config, allowedHosts: ReadonlySet<string>, listening: string): FrontDoor {
  const { desk, passkeys, clock } = governor;
  const key = loadLocalKey(config.data);
  const installation = installationRoute((nonce) => signProof(key, { nonce, address: listening }, clock.now()));
  const routes: readonly Route[] = [installation, ...deskRoutes(desk), meRoute, ...questionRoutes(desk.waiting, passkeys), ...waitingRoutes(desk.waiting), ...accessRoutes(desk.access)];
  const token = tokenReader(governor, config, publicPart(key));
  if (!config.sign_in || !passkeys) return { gate: { allowedHosts, token }, routes };
  const { address } = config.sign_in;
  const signIn = signInOf(governor, config, config.sign_in);
  const visit = (handle: string, byItself: boolean) => {
    const found = signIn.find(handle, byItself);
    return found && { visit: found, caller: callerOf(governor, found.person) };
  };
  return {
    gate: { allowedHosts: new Set([...allowedHosts, new URL(address).host]), token, pages: { origin: address, visit } },
    routes: [...routes, ...signInRoutes(signIn, address), ...passkeyRoutes(passkeys, governor.clock), ...pageRoutes(pages)],
  };
}

function signInOf({ ledger, names, clock, people, port }: Governor, { signInSecret: clientSecret }: Config, signIn: SignInConfig): SignIn {
  if (signIn.client_secret_from_env !== undefined) requiredSecret(clientSecret, signIn.client_secret_from_env, 'sign_in.client_secret_from_env');
  const { issuer, client_id: clientId, scopes, algorithm, allow_private_address: allowPrivate } = signIn;
  const provider = new Provider({ issuer, clientId, clientSecret, redirect: `${signIn.address}/sign-in/back`, scopes, algorithm, allowPrivate }, clock, seldom(clock, (reason: string) => port.log('warn', 'people cannot sign in: the provider of `sign_in` cannot be asked', { issuer: new URL(issuer).origin, reason })));
  const record = async (person: string, { authenticatedAtMs }: Proven) => {
    const ref = await names.refOf(person);
    await ledger.append({ kind: 'signed_in', streams: [{ stream: `sign-ins:${ref}` }], body: { person: ref, method: 'oidc', fresh: authenticatedAtMs !== undefined } });
  };
  return new SignIn({ provider, recognise: (proven) => recognise(people(), proven, recognitionOf(signIn)), record, clock });
}

/** Whoever opens a page can make the provider be asked; the operator is told once in a while. */
function seldom<T>(clock: Clock, tell: (about: T) => void): (about: T) => void {
  let nextMs = 0;
  return (about) => {
    if (clock.now() < nextMs) return;
    nextMs = clock.now() + tellEveryMs;
    tell(about);
  };
}

const recognitionOf = ({ claim, groups_claim: groupsClaim, groups }: SignInConfig): RecogniseSettings => ({ claim, groupsClaim, groups });

/**
 * A bearer token is of the installation's own key, for another audience than machines' tokens, or an access token that the
 * provider gave out for this API: none passes for another.
 */
function tokenReader(governor: Governor, { sign_in: signIn }: Config, ownKey: KeyObject): Gate['token'] {
  const { clock, people } = governor;
  const local = localKeyIssuer(ownKey, administratorsAudience);
  const provider = signIn?.audience === undefined ? undefined : oidcIssuer({ issuer: signIn.issuer, audience: signIn.audience, algorithms: [signIn.algorithm], allowPrivate: signIn.allow_private_address }, clock);
  const issuers: readonly Issuer[] = [local, ...(provider ? [provider] : [])];
  return async (text) => {
    const { issuer, subject, claims } = await verifyToken(text, issuers, clock);
    if (issuer === local) return callerOf(governor, subject, true);
    return callerOf(governor, recognise(people(), { issuer: issuer.issuer ?? '', subject, claims }, signIn ? recognitionOf(signIn) : {}));
  };
}

/** @param ofInstallation its own key alone says who its operator is */
function callerOf({ people }: Governor, name: string, ofInstallation = false): Caller {
  const person = people().get(name);
  const operator = ofInstallation && name === operatorName;
  if (!operator && !person) throw new FlyballError('identity_refused', 'this person is not in people.yaml');
  return { person: name, operator, administrator: person?.administrator ?? false, auditor: person?.auditor ?? false };
}
