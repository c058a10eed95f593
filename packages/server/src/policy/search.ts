import { candidates, type EntityUid } from '@flyball/cedar';
import type { Decision, JsonObject, Modification } from '@flyball/protocol';
import type { DecisionInputs, Situated } from '../action/states.js';
import { limits } from '../lib/limits.js';
import type { Bundle } from './bundle.js';
import { environmentOf } from './cedar-engine.js';
import { engineRequest } from './context.js';
import { askedOf } from './evaluation-inputs.js';

export type Sought = 'subject' | 'resource' | 'action';

export interface SearchWish {
  readonly sought: Sought;
  /** Key of the candidate after which to go on. */
  readonly after?: string | undefined;
  /** How many are wanted at most. */
  readonly most: number;
}

export interface FoundEntity {
  readonly type: string;
  readonly id: string;
}

export interface FoundAction {
  readonly name: string;
}

/** Somebody or something that would be allowed, and what would be asked of who enforces it. */
export interface FoundMatch {
  readonly match: FoundEntity | FoundAction;
  readonly modification: Modification | undefined;
}

export interface SearchPage {
  readonly found: readonly FoundMatch[];
  /** Key to go on after; nothing when that was all. */
  readonly next: string | undefined;
}

/** What a search asks of the policies: the inputs of a question, and the decision on it; nothing for what the catalogue does not have. */
export interface SearchedPolicy {
  inputs(situated: Situated): Promise<DecisionInputs | undefined>;
  decide(situated: Situated): Promise<Decision | undefined>;
}

interface Candidate {
  readonly key: string;
  readonly match: FoundEntity | FoundAction;
  readonly call: Situated['call'];
}

/**
 * A page of those who would be allowed (AuthZEN 1.0, section 8). Permits say who could be; each of these is then decided
 * as an evaluation is, so that guards that cannot be evaluated and those that wait leave nobody in. Bounded: a page ends
 * after so many decisions, whether or not it is full.
 */
export async function searchPage(situated: Situated, bundle: Bundle, policy: SearchedPolicy, { sought, after, most }: SearchWish): Promise<SearchPage> {
  const all = sought === 'action' ? actionsFor(situated, bundle) : await entitiesFor(situated, bundle, policy, sought);
  const found: FoundMatch[] = [];
  let last = after;
  let decided = 0;
  for (const { key, match, call } of all) {
    if (after !== undefined && key <= after) continue;
    if (found.length >= most || decided >= limits.searchDecidedMax) return { found, next: last ?? '' };
    decided++;
    const decision = await policy.decide({ ...situated, call });
    if (decision?.outcome === 'allow' || decision?.outcome === 'modify') found.push({ match, modification: decision.modification });
    last = key;
  }
  return { found, next: undefined };
}

function actionsFor({ call }: Situated, { catalogue }: Bundle): readonly Candidate[] {
  const { subject, resource } = askedOf(call.params);
  return catalogue.actions
    .filter(({ evaluation, match }) => evaluation?.subjects.has(subject.type) && evaluation.resources.has(resource.type) && !match.name.includes('*'))
    .map(({ match: { name } }) => ({ key: name, match: { name }, call: { ...call, name, args: {}, params: { ...call.params, action: { name } } } }))
    .sort((left, right) => (left.key < right.key ? -1 : 1));
}

async function entitiesFor(situated: Situated, bundle: Bundle, policy: SearchedPolicy, sought: 'subject' | 'resource'): Promise<readonly Candidate[]> {
  const { call } = situated;
  const { type } = askedOf(call.params)[sought];
  const callOf = (id: string): Situated['call'] => ({ ...call, params: { ...call.params, [sought]: { type, id } as JsonObject } });
  const inputs = await policy.inputs({ ...situated, call: callOf('') });
  const [resource] = inputs?.resources ?? [];
  if (!inputs || !resource) return [];
  const environment = environmentOf(engineRequest(inputs, resource, bundle.actionGroups.get(inputs.action) ?? [], bundle.entities));
  const uids: readonly EntityUid[] = candidates(bundle.permits(), sought === 'subject' ? 'principal' : 'resource', type, environment, bundle.entities.source);
  return uids.map(({ key, id }) => ({ key, match: { type, id }, call: callOf(id) }));
}

