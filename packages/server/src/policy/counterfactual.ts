import { applyChanges, authorize, type Answer, type Change, dotted, type Environment, findSmallestChange, fromValue, type Place, type PolicySet, printExpression, type Value } from '@flyball/cedar';
import type { Decision } from '@flyball/protocol';
import type { DecisionInputs } from '../action/states.js';
import type { Rule } from './annotations.js';
import { environmentOf, verdictsOf } from './cedar-engine.js';
import { engineRequest } from './context.js';
import { decide } from './decide.js';
import { awaitedFacts } from './gathered-facts.js';
import type { KnownEntities } from './known-entities.js';

/** What a search for another ending needs of a bundle. */
export interface Searchable {
  readonly policySet: PolicySet;
  readonly rules: ReadonlyMap<string, Rule>;
  readonly digest: string;
  readonly actionGroups: ReadonlyMap<string, readonly string[]>;
  readonly entities?: KnownEntities;
}

/**
 * The fewest things of a denied attempt that would have had to be otherwise for it not to be denied, as
 * sentences; found by search, and evaluated. Nothing where the decision is no denial by policy.
 */
export function whatWouldAllow(inputs: DecisionInputs, bundle: Searchable): readonly string[] {
  const awaited = awaitedFacts(inputs);
  const on = (answer: Answer) => decide({ considered: new Set(), ...verdictsOf(answer) }, bundle.rules, bundle.digest, awaited);
  const decided = (environment: Environment) => on(authorize(bundle.policySet, environment));
  const denied = environmentsOf(inputs, bundle).find((environment) => decided(environment).outcome === 'deny');
  if (!denied) return [];
  const reading = { isAllowed: (answer: Answer) => on(answer).outcome !== 'deny', blocking: (answer: Answer) => blocking(answer, bundle.rules) };
  const { changes, evaluations } = findSmallestChange(bundle.policySet, denied, reading);
  if (changes === undefined) return [`no other context, identity or resource was found that would have been allowed (requests evaluated: ${evaluations})`];
  return [...changes.map((change) => sentence(change, denied)), ...waitingFor(decided(applyChanges(changes, denied)))];
}

/** The attempt as policies saw it, once for each resource. */
export const environmentsOf = (inputs: DecisionInputs, { actionGroups, entities }: Pick<Searchable, 'actionGroups' | 'entities'>): readonly Environment[] =>
  inputs.resources.map((resource) => environmentOf(engineRequest(inputs, resource, actionGroups.get(inputs.action) ?? [], entities)));

/** Guards that deny, or cannot be evaluated, and count. */
function blocking({ forbids, errors }: Answer, rules: Searchable['rules']): readonly string[] {
  const counts = (id: string) => rules.get(id)?.shadow !== true;
  const denying = forbids.filter((id) => rules.get(id)?.outcome === 'deny');
  const broken = errors.map(({ policy }) => policy).filter((id) => rules.get(id)?.effect === 'forbid');
  return [...denying, ...broken].filter(counts);
}

function waitingFor({ approvals, facts }: Decision): readonly string[] {
  return [
    ...approvals.map((rule) => `then ${rule.quorum} of the group \`${rule.approvers}\` would have to agree (${rule.policy})`),
    ...facts.map((rule) => `then the facts ${rule.needs.map((need) => `\`${need}\``).join(', ')} would have to be there (${rule.policy})`),
  ];
}

const literal = (value: Value): string => printExpression({ Value: fromValue(value) });

function sentence(change: Change, environment: Environment): string {
  switch (change.kind) {
    case 'join':
      return `\`${String(change.uid)}\` would have to be in \`${String(change.group)}\``;
    case 'leave':
      return `\`${String(change.uid)}\` would have to be in \`${String(change.group)}\` no longer`;
    case 'remove':
      return `\`${placeText(change.place, environment)}\` would have to be absent`;
    case 'set':
      return `\`${placeText(change.place, environment)}\` would have to be ${change.anyOther ? 'another' : `\`${literal(change.value)}\``}${change.anyOther ? `, such as \`${literal(change.value)}\`` : ''}`;
  }
}

function placeText(place: Place, { principal, resource }: Environment): string {
  if (place.in === 'request') return place.part;
  const owner = place.in === 'context' ? 'context' : place.uid.key === principal.key ? 'principal' : place.uid.key === resource.key ? 'resource' : String(place.uid);
  return owner + place.path.map(dotted).join('');
}
