import { moneyBundle } from './exported-record.js';
import { command, type Method, type RunningGovernor } from './governor.js';

const catalogue = `actions:
  - { name: money.move, tier: act, automation: human, match: { upstream: canary, name: transfer } }
grants:
  reports: { description: reads reports, owner: dba, longest: 8h }
  prod-db-read: { description: reads the production database, owner: dba, longest: 8h }
  prod-db-write: { description: writes the production database, owner: dba, longest: 1h }
  quick: { description: nobody has to agree, owner: ann, longest: 8h }
  brief: { description: an hour at most by policy, owner: ann, longest: 8h }
  never: { description: policy says no, owner: ann, longest: 8h }
`;

/** `tester` is owned by olga, who is in the group that agrees; `other` by the group dba. */
const identities = `identities:
  - { id: tester, kind: service-account, autonomy: scripted, owner: olga, purpose: testing, groups: [testers] }
  - { id: other, kind: service-account, autonomy: scripted, owner: dba, purpose: testing, groups: [testers] }
`;

const people = `people:
  - { id: ann, groups: [finance], administrator: true }
  - { id: ben, groups: [dba] }
  - { id: cyd, groups: [dba] }
  - { id: olga, groups: [dba], also: [olga-second, olga@example.org] }
  - { id: dan, groups: [sales] }
  - { id: aud, auditor: true }
`;

export const guard = `@id("needs-grant") forbid (principal, action == Action::"money.move", resource) unless { context.grants.contains("prod-db-read") };\n`;

const policies = `@id("use") permit (principal in Group::"testers", action == Action::"money.move", resource);
@id("ask-at-all") permit (principal in Group::"testers", action == Action::"access.request", resource) when { resource.name != "never" && resource.name != "brief" };
@id("brief") @modify("minutes=60") permit (principal in Group::"testers", action == Action::"access.request", resource) when { resource.name == "brief" };
@id("people-agree") @outcome("step_up") @approvers("dba") @within("10m") @reason("production data")
forbid (principal, action == Action::"access.request", resource) when { resource.name like "prod-*" };
@id("with-ticket") @outcome("step_up") @approvers("finance") @evidence("ticket") @within("10m")
forbid (principal, action == Action::"access.request", resource) when { resource.name == "prod-db-write" };
`;

export const accessFiles = (more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  ...moneyBundle(),
  'bundle/catalogue.yaml': catalogue,
  'bundle/identities.yaml': identities,
  'bundle/people.yaml': people,
  'bundle/policies/open.cedar': policies,
  'bundle/policies/guard.cedar': guard,
  ...more,
});

export interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> & { readonly hold?: string; readonly grant?: { readonly id: string; readonly name: string; readonly until: string }; readonly error?: { readonly code: string; readonly message: string } };
}

async function send(url: string, token: string, method: string, body?: object): Promise<Answered> {
  const response = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }), headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
  return { status: response.status, body: (await response.json()) as Answered['body'] };
}

/** A machine, with its token. */
export class Machine {
  constructor(
    readonly governor: RunningGovernor,
    readonly token: string,
  ) {}

  ask = (grant: string, more: object = {}) => send(this.governor.url('/v1/access-requests'), this.token, 'POST', { grant, why: 'to look at a customer\'s order', minutes: 60, ...more });
  simulate = (grant: string, more: object = {}) => send(this.governor.url('/v1/access-requests/simulate'), this.token, 'POST', { grant, why: 'to look at a customer\'s order', minutes: 60, ...more });
  give = (id: string) => send(this.governor.url(`/v1/grants/${id}`), this.token, 'DELETE');
  hold = (id: string) => send(this.governor.url(`/v1/holds/${id}`), this.token, 'GET');
  attach = (id: string, kind: string, value: object) => send(this.governor.url(`/v1/holds/${id}/evidence`), this.token, 'POST', { kind, value });

  async grants(): Promise<readonly { readonly id: string; readonly grant: string; readonly until: string }[]> {
    return (await send(this.governor.url('/v1/grants'), this.token, 'GET')).body as unknown as readonly { readonly id: string; readonly grant: string; readonly until: string }[];
  }
}

export const machine = async (governor: RunningGovernor, identity = 'tester', ...more: string[]): Promise<Machine> => new Machine(governor, await governor.token(identity, ...more));

/** What a person sends to the administrators' listener. */
export async function asPerson(governor: RunningGovernor, person: string, method: Method, path: string, body?: object): Promise<Answered> {
  const { status, value } = await governor.ask(person, method, path, body);
  return { status, body: value };
}

export const requestAs = (governor: RunningGovernor, person: string, grant: string, more: object = {}) => asPerson(governor, person, 'POST', '/v1/access-requests', { identity: 'tester', grant, why: 'an incident', minutes: 60, ...more });
export const answerAs = (governor: RunningGovernor, person: string, hold: string | undefined, agrees = true, more: object = {}) => asPerson(governor, person, 'POST', `/v1/holds/${hold ?? 'none'}/answer`, { agrees, reason: 'because', ...more });
export const flyballAs = (governor: RunningGovernor, ...args: string[]) => command(governor.directory, args);
