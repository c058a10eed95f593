// A small implementation of the profile, in memory: what the suite is tried on first, and what is broken on purpose to
// see each check fail. It is for tests alone: nothing in it survives its end. `wrong` names the guards that are left out.
import { randomBytes } from 'node:crypto';
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';

export const published = 'https://pdp.reference.example';
export const service = `${published}/requests`;
export const denialMs = 120_000;

export const unguessable = () => randomBytes(20).toString('base64url');
const key = await generateKeyPair('Ed25519', { extractable: true });
export const jwk = { ...(await exportJWK(key.publicKey)), kid: 'reference-1', use: 'sig', alg: 'EdDSA' };
const keys = createLocalJWKSet({ keys: [jwk] });

export class State {
  offsetMs = 0;
  evaluations = new Map();
  tasks = new Map();
  approvals = new Map();
  idempotency = new Map();
  tokens = new Set();
  forbidden = new Set();
  retired = new Set();
  callbacks = [];
  callers = { 'token-pep': { id: 'pep', actors: ['assistant'] }, 'token-again': { id: 'pep', actors: ['assistant'] }, 'token-stranger': { id: 'stranger', actors: [] } };

  constructor(wrong = []) {
    this.wrong = new Set(wrong);
  }

  now = () => Date.now() + this.offsetMs;

  /** Whether a guard holds; one that is left out always does. */
  holds = (name, condition) => this.wrong.has(name) || condition;

  is = (name) => this.wrong.has(name);

  sign = (claims) => new SignJWT(JSON.parse(JSON.stringify(claims))).setProtectedHeader({ alg: 'EdDSA', kid: jwk.kid }).sign(key.privateKey);

  /** The claims of a signed value that is for this recipient. */
  async verify(jws, audience, name) {
    if (this.is(`${name}: signature`)) return JSON.parse(Buffer.from(jws.split('.')[1], 'base64url').toString());
    const { payload } = await jwtVerify(jws, keys, { currentDate: new Date(0) });
    if (this.holds(`${name}: recipient`, [payload.aud].flat().includes(audience)) && this.holds(`${name}: issuer`, payload.iss === published)) return payload;
    throw new Error('for somebody else');
  }
}

export const time = (ms) => new Date(ms).toISOString();

/** Structural equality: members in any order, absent is not null. */
export function same(left, right) {
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object' || Array.isArray(left) !== Array.isArray(right)) return left === right;
  const [one, two] = [Object.keys(left), Object.keys(right)];
  return one.length === two.length && one.every((name) => Object.hasOwn(right, name) && same(left[name], right[name]));
}

export function withoutActor({ properties, ...subject }, keep = false) {
  if (keep) return { ...subject, ...(properties && { properties }) };
  const { act: _act, ...rest } = properties ?? {};
  return { ...subject, ...(Object.keys(rest).length > 0 && { properties: rest }) };
}

/** Context that decides; whatever else is there may change. */
const relevant = ['amount', 'case'];
export const relevantOf = (context = {}, members = relevant) => Object.fromEntries(members.filter((name) => Object.hasOwn(context, name)).map((name) => [name, context[name]]));

/** What is asked for, as it is bound; a guard that is left out leaves a part of it out. */
export function tuple(state, { subject, resource, action, context }, name) {
  const members = state.is('only what decides binds') ? [...relevant, 'time'] : relevant;
  const whole = { subject: withoutActor(subject, state.is('actors may be left out')), resource, action, context: relevantOf(context, members) };
  const without = (part) => (state.is(`${name}: ${part} properties`) ? (({ properties: _properties, ...rest }) => rest)(whole[part]) : whole[part]);
  return Object.fromEntries(Object.keys(whole).filter((part) => !state.is(`${name}: ${part}`)).map((part) => [part, part === 'context' ? whole.context : without(part)]));
}
