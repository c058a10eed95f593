// Flyball as a target: how its words become the suite's. README.md says what each part is for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKeyPair } from 'jose';
import { Administrators } from './administrators.mjs';
import { cases } from './cases.mjs';
import { agentName, audience, callersOfAKind, groupsOf, Installation, policies, saved, windowFile } from './installation.mjs';
import { TokenIssuer } from './issuer.mjs';
import { receiptsOf } from './receipts.mjs';

const decisions = { deny: 'DENY', step_up: 'STEP_UP', defer: 'DEFER', modify: 'MODIFY', allow: 'ALLOW' };
const longAgo = 7_200;
/** How long the fact counts that was there before. */
const forgottenMs = 1_500;

/** Parts that do not exist yet, and what is said of the checks that need them. */
const absent = {
  deferralOfConflicts: 'policies that contradict each other are denied; deferring them is not built',
  drift: 'no semantic distance is computed yet',
  telemetry: 'nothing exports events yet',
  credentials: 'no credential is issued yet: an action that asks for one ends',
};

/** A Flyball that runs already, of a folder that `prepare.mjs` wrote; AARM_FOLDER names it. */
const prepared = () => JSON.parse(readFileSync(join(process.env['AARM_FOLDER'] ?? '.', saved), 'utf8'));
export const upstreamPort = (url) => (url === undefined ? 0 : prepared().ports.upstream);

/** @param change changes the files of the installation before it starts: how a check is seen to fail */
export async function createTarget({ upstream, url, change }) {
  if (url !== undefined) return attach(url);
  const issuer = await new TokenIssuer().listen();
  const installation = await Installation.write({ upstreamUrl: upstream.url, issuerUrl: issuer.url, change });
  const flyball = new Flyball(installation, issuer);
  try {
    await installation.start();
  } catch (error) {
    await flyball.end();
    throw error;
  }
  return { ...flyball.describe(), stop: () => flyball.end() };
}

/** What belongs to somebody else is not stopped, so nothing is said of how to make it unavailable. */
async function attach(url) {
  const { ports, jwk, next } = prepared();
  const issuer = await new TokenIssuer().listen(ports.issuer, jwk);
  const installation = new Installation(process.env['AARM_FOLDER'] ?? '.', ports);
  const flyball = new Flyball(installation, issuer, next);
  const { makeUnavailable: _stop, makeAvailable: _start, spoilPolicies: _spoil, ...rest } = flyball.describe();
  const stop = () => {
    installation.replace(saved, JSON.stringify({ ports, jwk, next: flyball.next }));
    issuer.close();
  };
  return { ...rest, url, stop };
}

class Flyball {
  /** @param next how many callers of each kind were used up by earlier runs */
  constructor(installation, issuer, next = {}) {
    this.installation = installation;
    this.issuer = issuer;
    this.next = next;
    this.desk = new Administrators(installation);
  }

  describe() {
    const { installation } = this;
    return {
      name: 'Flyball',
      url: `${installation.machines}/mcp`,
      absent,
      cases,
      people: { approver: 'ann', second: 'ben', outsider: 'dan' },
      answer,
      caller: (role) => this.caller(role),
      forRequest: (caller, request) => this.forRequest(caller, request),
      badCallers: () => this.badCallers(),
      revoke: (caller) => this.revoke(caller),
      record: (act) => this.record(act),
      order: (caller) => this.order(caller),
      view: (act, person) => this.view(act, person),
      approve: (act, person) => this.reply(act, person, true),
      refuse: (act, person) => this.reply(act, person, false),
      stateOf: (act) => this.stateOf(act),
      resolveDeferral: () => this.openWindow(),
      makeUnavailable: () => installation.stop('SIGKILL'),
      makeAvailable: () => installation.start(),
      spoilPolicies: () => this.spoil(),
      receipts: receiptsOf(installation, this.desk),
    };
  }

  async end() {
    await this.installation.stop();
    this.issuer.close();
    this.installation.remove();
  }

  /** An identity that has done nothing yet. `delegated` acts for a person, through a service. */
  async caller(role) {
    const kind = { delegated: 'agent', service: 'job', other: 'guest' }[role] ?? role;
    const number = (this.next[kind] = (this.next[kind] ?? -1) + 1);
    if (number >= callersOfAKind) throw new Error(`all ${callersOfAKind} callers of the kind \`${kind}\` are used up; prepare a new folder`);
    const agent = agentName(kind, number);
    const whose = role === 'delegated' ? { person: 'pat@customer.example', through: ['desk-service'] } : {};
    const token = await this.issuer.token(agent, { audience, ...whose });
    const service = role === 'service' ? agent : whose.through?.[0];
    return { token, agent, names: { agent, scope: groupsOf(kind), ...(whose.person && { human: whose.person }), ...(service && { service }) } };
  }

  /** The same identity in a session of its own, which was opened for a request in the user's words. */
  async forRequest(caller, purpose) {
    const response = await fetch(`${this.installation.machines}/v1/sessions`, { method: 'POST', body: JSON.stringify({ purpose }), headers: { authorization: `Bearer ${caller.token}`, 'content-type': 'application/json' } });
    const { session } = await response.json();
    return { ...caller, headers: { 'flyball-session': session }, names: { ...caller.names, session } };
  }

  async badCallers() {
    const { agent } = await this.caller('agent');
    const stranger = (await generateKeyPair('ES256')).privateKey;
    return {
      'without a token': {},
      'with a token that somebody else signed': { token: await this.issuer.token(agent, { audience, key: stranger }) },
      'with a token that has expired': { token: await this.issuer.token(agent, { audience, age: longAgo }) },
      'with a token for another system': { token: await this.issuer.token(agent, { audience: 'https://elsewhere.example' }) },
      'with a good token of nobody known': { token: await this.issuer.token('nobody-known', { audience }) },
    };
  }

  async revoke({ agent }) {
    const file = 'bundle/identities.yaml';
    this.installation.replace(file, this.installation.read(file).replace(new RegExp(`(id: ${agent},.*status: )active`), '$1suspended'));
    return (await this.desk.post('/v1/bundle/reload', {})).ok;
  }

  /** What was recorded of an attempt; nothing while there is nothing. */
  async record({ handle, evaluation, mark, caller }) {
    const id = handle ?? evaluation;
    const found = id === undefined ? await this.#find(mark, caller) : (await this.desk.get(`/v1/actions/${id}`)).body;
    return found?.id === undefined ? undefined : toRecord(found);
  }

  async #find(mark, caller) {
    const rows = (await this.desk.get('/v1/actions?most=60')).body.filter(({ identity }) => identity === caller?.agent);
    for (const { id } of rows) {
      const { body } = await this.desk.get(`/v1/actions/${id}`);
      if (body.inputs?.args?.mark === mark) return body;
    }
    return undefined;
  }

  /** Marks of what the caller attempted, in the order of the record. */
  async order(caller) {
    const rows = (await this.desk.get('/v1/actions?most=60')).body.filter(({ identity, action }) => identity === caller.agent && !/^(initialize|tools|ping|notifications)/.test(action));
    const marks = await Promise.all(rows.map(async ({ id }) => (await this.desk.get(`/v1/actions/${id}`)).body.inputs?.args?.mark));
    return marks.filter((mark) => mark !== undefined).reverse();
  }

  /** What a person is shown who is asked to agree. */
  async view({ handle }, person) {
    const listed = (await this.desk.get('/v1/holds', person)).body.some(({ id }) => id === handle);
    const { body } = await this.desk.get(`/v1/actions/${handle}`, person);
    return listed ? toRecord(body) : undefined;
  }

  async reply({ handle }, person, agrees) {
    const { ok, why } = await this.desk.post(`/v1/holds/${handle}/answer`, { agrees, reason: 'looked at by the suite' }, person);
    return { accepted: ok, why };
  }

  /** An expired hold is denied for good: nobody can agree to it any more, and what is asked anew is another question. */
  async stateOf({ handle }) {
    const { effect } = (await this.desk.get(`/v1/actions/${handle}`)).body;
    return { expired: 'denied', refused: 'denied', waiting: 'waiting' }[effect] ?? (effect === undefined ? 'waiting' : 'done');
  }

  /** Supplies the fact that is missing; gives back how to take it away again. */
  openWindow() {
    this.installation.replace(windowFile, '{ "open": true }');
    return async () => {
      this.installation.remove(windowFile);
      await new Promise((done) => setTimeout(done, forgottenMs));
    };
  }

  /** Leaves policies that nobody can read; gives back how to undo it. Both take effect with the next start. */
  spoil() {
    const good = this.installation.read(policies);
    this.installation.replace(policies, 'permit (principal, action');
    return () => this.installation.replace(policies, good);
  }
}

/** What a machine is told. An answer without a decision is the upstream's own. */
function answer(result, error) {
  const { outcome, hold, expires_at: until, evaluation } = result?._meta?.['flyball/decision'] ?? {};
  const text = error ? String(error.message) : (result?.content ?? []).map((part) => part.text ?? '').join('\n');
  return { passed: !error && outcome === undefined, decision: decisions[outcome], text, ...(hold && { handle: hold, until: Date.parse(until) }), ...(evaluation && { evaluation }) };
}

function toRecord({ id, outcome, kind, effect, identity, on_behalf_of: human, session, action, call, digest, bundle, policies: verdicts, inputs }) {
  const context = inputs?.context ?? {};
  return {
    id,
    decision: decisions[outcome],
    policies: verdicts.map(({ policy }) => policy),
    reasons: [kind, ...verdicts.map(({ reason }) => reason)],
    effect,
    action,
    call,
    digest,
    policyHash: bundle,
    identity: { agent: identity, ...(human && { human }) },
    session,
    parameters: inputs?.args,
    context: { actions: context.session?.actions ?? [], classes: context.session?.labels ?? [], request: context.session?.purpose },
  };
}
