import { CedarError } from '../errors.js';
import { EntityUid } from '../values/entity-uid.js';
import { isJsonObject, readUid } from '../values/json.js';
import { shown } from '../values/quote.js';
import { Policy } from './policy.js';
import { ScopeIndex } from './scope-index.js';
import { type AskedScope, slotOf } from './scope.js';

/** Policies in Cedar's JSON format by id; templates, and links that give values to their slots. */
export interface PolicySetJson {
  readonly staticPolicies?: Readonly<Record<string, unknown>>;
  readonly templates?: Readonly<Record<string, unknown>>;
  readonly templateLinks?: readonly unknown[];
}

/** Policies, found by what they apply to. It does not change; a new set takes the place of an old one. */
export class PolicySet {
  readonly #policies = new Map<string, Policy>();
  readonly #index = new ScopeIndex<Policy>();

  /** Throws {@link CedarError} when one policy is not Cedar; none is left out in silence. */
  constructor({ staticPolicies = {}, templates = {}, templateLinks = [] }: PolicySetJson) {
    for (const [id, json] of Object.entries(staticPolicies)) this.#add(Policy.fromJson(id, json));
    for (const [id, json] of Object.entries(templates)) readTemplate(id, json);
    for (const link of templateLinks) this.#add(linked(link, templates));
    const twice = Object.keys(templates).find((id) => this.#policies.has(id));
    if (twice !== undefined) throw new CedarError(`policy \`${shown(twice)}\` is there twice`);
  }

  get size(): number {
    return this.#policies.size;
  }

  get(id: string): Policy | undefined {
    return this.#policies.get(id);
  }

  values(): IterableIterator<Policy> {
    return this.#policies.values();
  }

  /** Visits every policy whose head names this request, once. */
  visit(asked: AskedScope, found: (policy: Policy) => void): void {
    let seen: Set<Policy> | undefined;
    this.#index.visit(asked, (policy) => {
      if (policy.scope.action.op === 'in' && policy.scope.action.uids.length > 1) {
        if (seen?.has(policy)) return;
        seen = (seen ?? new Set()).add(policy);
      }
      found(policy);
    });
  }

  #add(policy: Policy): void {
    if (this.#policies.has(policy.id)) throw new CedarError(`policy \`${shown(policy.id)}\` is there twice`);
    this.#policies.set(policy.id, policy);
    this.#index.add(policy.scope, policy);
  }
}

/** Reads a template with anyone in its slots: whether it is linked or not, it has to be Cedar. */
function readTemplate(id: string, json: unknown): void {
  const anyone = new EntityUid('Anyone', '');
  const slots = isJsonObject(json) ? [slotOf(json['principal']), slotOf(json['resource'])].filter((slot) => slot !== undefined) : [];
  Policy.fromJson(id, json, new Map(slots.map((slot) => [slot, anyone])));
  if (slots.length === 0) throw new CedarError(`policy \`${shown(id)}\`: expected a template with a slot`);
}

function linked(link: unknown, templates: Readonly<Record<string, unknown>>): Policy {
  if (!isJsonObject(link) || typeof link['newId'] !== 'string' || typeof link['templateId'] !== 'string' || !isJsonObject(link['values'])) throw new CedarError('expected a template link with `newId`, `templateId` and `values`');
  const template = Object.hasOwn(templates, link['templateId']) ? templates[link['templateId']] : undefined;
  if (template === undefined) throw new CedarError(`expected a template with the id \`${shown(link['templateId'])}\``);
  return Policy.fromJson(link['newId'], template, new Map(Object.entries(link['values']).map(([slot, uid]) => [slot, readUid(uid)])));
}
