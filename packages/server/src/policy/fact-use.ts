import { EntityUid, holds, type PolicySet } from '@flyball/cedar';
import type { LoadedPolicy } from './load-policies.js';
import { factsOf } from './looks-at.js';
import { factsCompared } from './temporal-checks.js';

/** Facts that one policy looks at, in its conditions, in its temporal clauses or by `@needs`. */
export function factsNeeded({ json, temporal, rule }: Pick<LoadedPolicy, 'json' | 'temporal' | 'rule'>): ReadonlySet<string> | 'all' {
  const now = factsOf(json);
  return now === 'all' ? now : new Set([...now, ...rule.needs, ...temporal.flatMap(({ condition }) => factsCompared(condition))]);
}

/** Which facts a decision needs: those that policies look at which can apply to its action, and no others. */
export class FactUse {
  readonly #byAction = new Map<string, readonly string[] | 'all'>();

  /** @param always facts that are needed whatever the action: nobody can tell what a compiled rule looks at */
  constructor(
    private readonly policies: PolicySet,
    private readonly actionGroups: ReadonlyMap<string, readonly string[]>,
    readonly byPolicy: ReadonlyMap<string, ReadonlySet<string> | 'all'>,
    private readonly always: readonly string[],
  ) {}

  of(action: string): readonly string[] | 'all' {
    const known = this.#byAction.get(action);
    if (known) return known;
    const found = this.#find(action);
    // Only the catalogue's own actions are remembered, so it does not grow.
    if (this.actionGroups.has(action)) this.#byAction.set(action, found);
    return found;
  }

  #find(action: string): readonly string[] | 'all' {
    const uid = new EntityUid('Action', action);
    const groups = new Set((this.actionGroups.get(action) ?? []).map((id) => new EntityUid('Action', id).key));
    const names = new Set(this.always);
    for (const { id, scope } of this.policies.values()) {
      const needed = this.byPolicy.get(id) ?? 'all';
      if (needed !== 'all' && needed.size === 0) continue;
      if (!holds(scope.action, uid, groups)) continue;
      if (needed === 'all') return 'all';
      needed.forEach((name) => names.add(name));
    }
    return [...names].sort();
  }
}
