import { CedarError } from '../errors.js';
import { type Compiled, type Environment, isTrue } from '../expressions/compiled.js';
import { compile } from '../expressions/compile.js';
import { type Part, partsOf } from '../expressions/parts.js';
import type { EntityUid } from '../values/entity-uid.js';
import { isJsonObject, type Json, type JsonObject } from '../values/json.js';
import { readConstraint, type Scope, type Slots } from './scope.js';

export type Effect = 'permit' | 'forbid';

interface Clause {
  readonly when: boolean;
  readonly body: Compiled;
  readonly json: Json;
}

/** One policy, ready to be evaluated. */
export class Policy {
  #parts: readonly Part[] | undefined;

  private constructor(
    readonly id: string,
    readonly effect: Effect,
    readonly scope: Scope,
    readonly clauses: readonly Clause[],
    readonly annotations: Readonly<Record<string, string>>,
  ) {}

  /** A policy of Cedar's JSON format, or a template with values for its slots. Throws {@link CedarError}. */
  static fromJson(id: string, json: unknown, slots: Slots = new Map()): Policy {
    try {
      if (!isJsonObject(json) || (json['effect'] !== 'permit' && json['effect'] !== 'forbid')) throw new CedarError('expected a policy with `effect` permit or forbid');
      const scope = { principal: readConstraint(json['principal'], slots), action: readConstraint(json['action'], slots), resource: readConstraint(json['resource'], slots) };
      return new Policy(id, json['effect'], scope, readClauses(json['conditions'] ?? [], slots), readAnnotations(json['annotations']));
    } catch (error) {
      throw error instanceof CedarError ? new CedarError(`policy \`${id}\`: ${error.message}`) : error;
    }
  }

  /** Its clauses as trees, made when they are first explained. */
  get parts(): readonly Part[] {
    return (this.#parts ??= this.clauses.map(({ json }) => partsOf(json)));
  }

  /** True when its conditions hold; its scope is the index's to know. Throws an evaluation error. */
  isSatisfied(environment: Environment): boolean {
    for (const { when, body } of this.clauses) if (isTrue(body.run(environment)) !== when) return false;
    return true;
  }
}

function readClauses(json: Json, slots: Slots): readonly Clause[] {
  if (!Array.isArray(json)) throw new CedarError('expected `conditions` as a list');
  return (json as readonly Json[]).map((clause) => {
    if (!isJsonObject(clause) || (clause['kind'] !== 'when' && clause['kind'] !== 'unless')) throw new CedarError('expected a condition of kind when or unless');
    const body = slots.size > 0 ? withSlots(clause['body'], slots) : clause['body'];
    return { when: clause['kind'] === 'when', body: compile(body), json: body ?? null };
  });
}

/** The expression with entities in the place of its slots. */
function withSlots(json: Json | undefined, slots: Slots): Json | undefined {
  if (Array.isArray(json)) return (json as readonly Json[]).map((item) => withSlots(item, slots) ?? null);
  if (!isJsonObject(json) || 'Value' in json) return json;
  const uid = typeof json['Slot'] === 'string' ? slots.get(json['Slot']) : undefined;
  if (uid) return { Value: toEscape(uid) };
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, withSlots(value, slots) ?? null]));
}

const toEscape = ({ type, id }: EntityUid): JsonObject => ({ __entity: { type, id } });

function readAnnotations(json: Json | undefined): Readonly<Record<string, string>> {
  if (!isJsonObject(json)) return {};
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, typeof value === 'string' ? value : '']));
}
