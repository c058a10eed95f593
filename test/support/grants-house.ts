import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, type Approval, type Asked, type Body, Pep, type TaskView } from './arap-kit.js';
import { command, type RunningGovernor, waitFor } from './governor.js';

const robots = Array.from({ length: 32 }, (_, index) => `robot-${index}`);

const catalogue = `entities: { user: {}, identity: {}, archive: {}, shelf: {}, cellar: {}, vault: {}, report: {}, safe: {} }
actions:
  - name: can_read
    tier: inspect
    match: { method: evaluation, name: can_read }
    applies_to: { subjects: [user, identity], resources: [archive, shelf, cellar, vault, report, safe] }
    context: { type: object, properties: { amount: { type: number } } }
grants:
  quick: { description: Reads archives at once, owner: dba, longest: 8h }
  watched: { description: Reads archives when somebody agrees, owner: dba, longest: 8h }
  short: { description: Reads archives for ten minutes at most, owner: ann, longest: 10m }
  hasty: { description: Reads archives when somebody agrees at once, owner: dba, longest: 8h }
  never: { description: Reads everything, owner: dba, longest: 8h }
  shelf: { description: Reads shelves, owner: dba, longest: 8h }
`;

const identities = `identities:
  - { id: pep, kind: service-account, autonomy: scripted, owner: ann, purpose: testing, groups: [points] }
  - { id: other, kind: service-account, autonomy: scripted, owner: ann, purpose: testing, groups: [points] }
  - { id: tester, kind: service-account, autonomy: scripted, owner: ann, purpose: testing, groups: [points] }
  - { id: gate, kind: service-account, autonomy: scripted, owner: ann, purpose: testing, groups: [points] }
  - { id: sleeper, kind: agent, autonomy: autonomous, owner: olga, purpose: testing, groups: [robots], status: suspended }
${robots.map((id) => `  - { id: ${id}, kind: agent, autonomy: autonomous, owner: olga, purpose: testing, groups: [robots] }\n`).join('')}`;

/** Pia has an account of the name of an enforcement point. */
const people = `people:
  - { id: ann, groups: [owners], administrator: true }
  - { id: ben, groups: [dba] }
  - { id: olga, groups: [dba] }
  - { id: pia, groups: [dba], also: [pep] }
`;

const grantNames = '"quick", "watched", "short", "hasty", "never"';
const watching = '@id("people-agree") @outcome("step_up") @approvers("dba") @within("10m") @reason("somebody has to agree")\nforbid (principal, action == Action::"access.request", resource) when { resource.name == "watched" };\n';
/** Whoever looks at the arguments as a whole, as for shelves, does not permit what is more than policies can see. */
const policies = `@id("archives") permit (principal is identity, action == Action::"can_read", resource is archive) when { context.grants.containsAny([${grantNames}]) };
@id("shelves") permit (principal is identity, action == Action::"can_read", resource is shelf) when { context.args == {} && context.grants.contains("shelf") };
@id("cellars") permit (principal is identity, action == Action::"can_read", resource is cellar) when { context.grants.contains("never") };
@id("vaults") permit (principal, action == Action::"can_read", resource is vault) when { context.grants.contains("quick") };
@id("no-vaults") forbid (principal, action == Action::"can_read", resource is vault);
@id("safes") permit (principal, action == Action::"can_read", resource is safe) when { context.grants.contains("quick") };
@id("reports") permit (principal, action == Action::"can_read", resource is report);
@id("owners-agree") @outcome("step_up") @approvers("owners") @within("10m") @reason("an owner has to agree")
forbid (principal, action == Action::"can_read", resource) when { resource is report || resource is safe };
@id("ask") permit (principal in Group::"robots", action == Action::"access.request", resource) when { context.args.minutes <= 240 } unless { resource.name == "never" };
@id("not-through-other") forbid (principal, action == Action::"access.request", resource) when { context.args has enforcement_point && context.args.enforcement_point == "other" };
@id("at-once") @outcome("step_up") @approvers("dba") @within("3s") @reason("somebody has to agree at once")
forbid (principal, action == Action::"access.request", resource) when { resource.name == "hasty" };
`;

export const grantsFiles: Readonly<Record<string, string>> = {
  'bundle/catalogue.yaml': catalogue,
  'bundle/identities.yaml': identities,
  'bundle/people.yaml': people,
  'bundle/policies/reading.cedar': policies,
  'bundle/policies/watching.cedar': watching,
};

export const grantsConfig = ({ denialSeconds = 120, more = '', callbacks = '' } = {}): string => `resource: https://pdp.flyball.example/mcp\naccess_requests: { denial_seconds: ${denialSeconds}, grants_for_subjects_by: [pep, other]${callbacks === '' ? '' : `, callbacks: ${callbacks}`} }\n${more}`;

export interface Item {
  readonly value: string;
  readonly label: string;
  readonly description: string;
  readonly owner?: string;
}

export interface Page {
  readonly items: readonly Item[];
  readonly next_cursor?: string;
  readonly total: number;
}

/** A denial that a grant could lift: what was asked, and what a submission carries of it. */
export interface Denied {
  readonly asked: Asked;
  readonly evaluation: string;
  readonly body: Body;
  readonly hint: Readonly<Record<'template' | 'request_schema_url' | 'request_catalogs_url' | 'expires_at' | 'binding_token', string>>;
}

const why = { business_justification: 'quarter end' };
let archives = 0;

export const archive = (robot: string, type = 'archive'): Asked => ({ subject: { type: 'identity', id: robot }, resource: { type, id: `${type}-${archives++}` }, action: { name: 'can_read' } });

/** An enforcement point that asks for grants of those whom it asks about. */
export class GrantPep extends Pep {
  async get(path: string): Promise<{ readonly status: number; readonly json: Readonly<Record<string, unknown>> }> {
    const response = await fetch(`${this.governor.machines}${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    return { status: response.status, json: (await response.json()) as Readonly<Record<string, unknown>> };
  }

  async lacking(robot: string, type?: string): Promise<Denied> {
    const asked = archive(robot, type);
    const { context } = await this.evaluate(asked);
    const hint = context.access_request as unknown as Denied['hint'] | undefined;
    if (!hint) throw new Error(`not requestable: ${JSON.stringify(context)}`);
    const denial = { evaluation_id: context.evaluation_id, expires_at: hint.expires_at, binding_token: hint.binding_token };
    return { asked, evaluation: context.evaluation_id, body: { ...asked, context: why, denial }, hint };
  }

  catalogs = (evaluation: string) => this.get(`/access/v1/request-catalogs/${evaluation}`);

  async page(evaluation: string, query: Readonly<Record<string, string>> = {}): Promise<Page> {
    const { status, json } = await this.look(evaluation, query);
    if (status !== 200) throw new Error(`looked up with ${status}: ${JSON.stringify(json)}`);
    return json as unknown as Page;
  }

  look = (evaluation: string, query: Readonly<Record<string, string>> = {}) => this.get(`/access/v1/request-catalogs/${evaluation}/grants?${new URLSearchParams(query).toString()}`);

  values = async (evaluation: string): Promise<readonly string[]> => (await this.page(evaluation)).items.map(({ value }) => value);

  ask = ({ body }: Pick<Denied, 'body'>, grant: unknown, more: Body = { minutes: 60 }, key?: string): Promise<Answer> => this.submit({ ...body, requested_access: accessOf({ grant, ...more }) }, key);

  /** A task of a submission that was taken. */
  async wanted(denied: Denied, grant: string, more?: Body): Promise<TaskView> {
    const { json, status } = await this.ask(denied, grant, more);
    if (!json.task) throw new Error(`submitted with ${status}: ${JSON.stringify(json)}`);
    return json.task;
  }

  ended = (task: string): Promise<Answer['json'] & { readonly task: TaskView }> =>
    waitFor(async () => {
      const { json } = await this.task(task);
      return json.task && json.task.status !== 'pending' ? { ...json, task: json.task } : undefined;
    }, 20_000);

  /** The approval of a grant that is opened at once. */
  async opened(denied: Denied, more?: Body): Promise<Approval> {
    const { status, json } = await this.ask(denied, 'quick', more);
    const approval = json.result?.approval;
    if (status !== 201 || !approval) throw new Error(`submitted with ${status}: ${JSON.stringify(json)}`);
    return approval;
  }
}

interface HoldRow {
  readonly id: string;
  readonly identity: string;
  readonly action: string;
}

/** Questions that wait for an answer because somebody asked for a robot. */
export const questionsOf = async (governor: RunningGovernor, robot: string): Promise<readonly string[]> => ((await governor.ask('operator', 'GET', '/v1/holds')).value as readonly HoldRow[]).filter(({ identity, action }) => identity === robot && action === 'access.request').map(({ id }) => id);

/** The one question that waits because of a robot. */
export async function questionOf(governor: RunningGovernor, robot: string): Promise<string> {
  const [hold, ...more] = await questionsOf(governor, robot);
  if (hold === undefined || more.length > 0) throw new Error(`${more.length + (hold === undefined ? 0 : 1)} questions wait because of ${robot}`);
  return hold;
}

export const answerAs = (governor: RunningGovernor, person: string, hold: string, agrees = true) => governor.ask(person, 'POST', `/v1/holds/${hold}/answer`, { agrees, reason: 'because' });

export interface HeldGrant {
  readonly id: string;
  readonly grant: string;
  readonly identity: string;
  readonly until: string;
}

export const grantsOf = async (governor: RunningGovernor, robot: string): Promise<readonly HeldGrant[]> => ((await governor.ask('ann', 'GET', '/v1/grants')).value as readonly HeldGrant[]).filter(({ identity }) => identity === robot);

/** Has another text in one of the bundle's files, as long as something is tried. */
export async function changed(governor: RunningGovernor, file: string, change: (text: string) => string, attempt: () => Promise<void>): Promise<void> {
  const text = grantsFiles[file] ?? '';
  await use(governor, file, change(text));
  try {
    await attempt();
  } finally {
    await use(governor, file, text);
  }
}

async function use(governor: RunningGovernor, file: string, text: string): Promise<void> {
  writeFileSync(join(governor.directory, file), text);
  const { code, stderr } = await command(governor.directory, ['reload']);
  if (code !== 0) throw new Error(stderr);
}

const ours = ['grant', 'minutes', 'rollback'];

/** What is asked for, by the names that a submission has for it. */
export const accessOf = (wish: Body): Body => Object.fromEntries(Object.entries(wish).map(([name, value]) => [ours.includes(name) ? `urn:flyball:${name}` : name, value]));

export const requestFor = (governor: RunningGovernor, person: string, robot: string, grant: string) => governor.ask(person, 'POST', '/v1/access-requests', { identity: robot, grant, why: 'because', minutes: 60 });
