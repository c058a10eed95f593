import { CedarError } from '../errors.js';
import { type Compiled, type Environment, isTrue } from '../expressions/compiled.js';
import { compile } from '../expressions/compile.js';
import { type Part, partsOf } from '../expressions/parts.js';
import { isJsonObject, type Json, readMembers } from '../values/json.js';
import { shown } from '../values/quote.js';
import { readScope, type Scope, type Slots } from './scope.js';

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
      const { effect, principal, action, resource, conditions, annotations } = readMembers(json, 'a policy', ['effect', 'principal', 'action', 'resource', 'conditions'], ['annotations']);
      if (effect !== 'permit' && effect !== 'forbid') throw new CedarError('expected a policy with `effect` permit or forbid');
      return new Policy(id, effect, readScope(principal, action, resource, slots), readClauses(conditions), readAnnotations(annotations));
    } catch (error) {
      throw error instanceof CedarError ? new CedarError(`policy \`${shown(id)}\`: ${error.message}`) : error;
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

function readClauses(json: Json): readonly Clause[] {
  if (!Array.isArray(json)) throw new CedarError('expected `conditions` as a list');
  return (json as readonly Json[]).map((clause) => {
    const { kind, body } = readMembers(clause, 'a condition', ['kind', 'body']);
    if (kind !== 'when' && kind !== 'unless') throw new CedarError('expected a condition of kind when or unless');
    // Explanations read it long after whoever handed it in may have changed it.
    return { when: kind === 'when', body: compile(body), json: structuredClone(body) };
  });
}

function readAnnotations(json: Json | undefined): Readonly<Record<string, string>> {
  if (!isJsonObject(json)) return {};
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, typeof value === 'string' ? value : '']));
}
