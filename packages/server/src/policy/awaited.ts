import { authorize, CedarRecord, type Environment, EvaluationError, type PolicySet, type Value } from '@flyball/cedar';
import type { EngineAnswer } from './engine.js';

const factsPath = 'context.facts';

/** Facts of which some may yet arrive: whether those are there cannot be said, so asking about one is an error. */
class AwaitedFacts extends Map<string, Value> {
  #awaited: ReadonlySet<string> = new Set();

  constructor(known: ReadonlyMap<string, Value>, awaited: ReadonlySet<string>) {
    super(known);
    this.#awaited = awaited;
  }

  override get(name: string): Value | undefined {
    return this.#awaited.has(name) ? missing(name) : super.get(name);
  }

  override has(name: string): boolean {
    return this.#awaited.has(name) ? missing(name) : super.has(name);
  }

  /** Whoever compares all of them depends on each. */
  override get size(): number {
    const [first] = this.#awaited;
    return first === undefined ? super.size : missing(first);
  }

  override [Symbol.iterator](): MapIterator<[string, Value]> {
    const [first] = this.#awaited;
    return first === undefined ? super[Symbol.iterator]() : missing(first);
  }
}

function missing(name: string): never {
  // Not an `Error`, and thrown by every expression that misses an attribute.
  throw new EvaluationError('attribute', `the fact \`${name}\` has not arrived`, `${factsPath}.${name}`);
}

/**
 * An answer in which a fact that was asked for and is missing is unknown. Asked with `has`, a policy would take it for
 * absent: a guard against a blocked vendor would open whenever nobody can say whether the vendor is blocked. A policy
 * whose other parts decide it alone keeps its answer.
 */
export function withAwaited(answer: EngineAnswer, awaited: ReadonlySet<string>, policies: PolicySet, environment: () => Environment): EngineAnswer {
  if (awaited.size === 0) return answer;
  const { context, ...rest } = environment();
  const facts = context.attributes.get('facts');
  const unsure = new CedarRecord(new AwaitedFacts(facts instanceof CedarRecord ? facts.attributes : new Map(), awaited));
  const { errors } = authorize(policies, { ...rest, context: new CedarRecord(new Map([...context.attributes, ['facts', unsure]])) });
  const lacking = errors.filter(({ error: { kind, path } }) => kind === 'attribute' && path?.startsWith(`${factsPath}.`) && awaited.has(path.slice(factsPath.length + 1)));
  const ids = new Set(lacking.map(({ policy }) => policy));
  return {
    ...answer,
    satisfied: new Set([...answer.satisfied].filter((id) => !ids.has(id))),
    broken: new Map([...answer.broken, ...lacking.map(({ policy, error }) => [policy, { message: error.message, ...(error.path !== undefined && { missing: error.path }) }] as const)]),
  };
}
