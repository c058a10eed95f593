import type { Action } from '@flyball/protocol';
import { matchesGlob } from '../lib/glob.js';
import type { ActionDocument } from './documents.js';
import { protocolActions } from './protocol-actions.js';
import type { ArgumentType } from './types.js';

export interface CataloguedAction extends Action {
  readonly mapping?: ActionDocument['mapping'];
  /** For what enforcement points ask about: whom and what it applies to, and what policies see of the request. */
  readonly evaluation?: EvaluationTypes;
  /** For what is only recommended. */
  readonly recommendation?: RecommendationTerms;
  /** Patterns of actions that this one follows: while one of those waits in the session, it waits as well. */
  readonly after?: readonly string[];
}

/** From which confidence on a recommendation is asked about and presented, and to whom. */
export interface RecommendationTerms {
  readonly present: number;
  readonly ask: number;
  readonly audience: string;
  readonly withinMs?: number;
}

export interface EvaluationTypes {
  readonly subjects: ReadonlySet<string>;
  readonly resources: ReadonlySet<string>;
  readonly arguments: ArgumentType | undefined;
  readonly context: ArgumentType | undefined;
}

const foundMost = 10_000;

/** Finds the catalogued action of a call: the entry that names the call most exactly, in the order of the file. */
export class Catalogue {
  readonly actions: readonly CataloguedAction[];
  /** Every budget that an action draws on. */
  readonly units: readonly string[];
  readonly #found = new Map<string, CataloguedAction | undefined>();
  readonly #byName: ReadonlyMap<string, CataloguedAction>;

  constructor(own: readonly CataloguedAction[]) {
    const named = new Set(own.map((action) => action.name));
    this.actions = [...own, ...protocolActions.filter((action) => !named.has(action.name))];
    this.#byName = new Map(this.actions.map((action) => [action.name, action]));
    this.units = [...new Set(own.flatMap((action) => Object.keys(action.spends)))].sort();
  }

  /** The entry of a name. */
  named(name: string): CataloguedAction | undefined {
    return this.#byName.get(name);
  }

  find(upstream: string, method: string, name: string): CataloguedAction | undefined {
    const key = JSON.stringify([upstream, method, name]);
    if (!this.#found.has(key)) {
      // Names are strangers' to choose, so they are not remembered without end.
      if (this.#found.size >= foundMost) this.#found.clear();
      this.#found.set(key, this.#search(upstream, method, name));
    }
    return this.#found.get(key);
  }

  #search(upstream: string, method: string, name: string): CataloguedAction | undefined {
    const matching = this.actions.filter(({ match }) => match.method === method && matchesGlob(match.upstream, upstream) && matchesGlob(match.name, name));
    return matching.reduce<CataloguedAction | undefined>((best, action) => (best && exactness(best) >= exactness(action) ? best : action), undefined);
  }
}

/** Letters that are stated rather than left open by `*`; the name counts before the upstream. */
function exactness({ match }: Action): number {
  const stated = (pattern: string) => (pattern.includes('*') ? pattern.replaceAll('*', '').length : 1_000);
  return stated(match.name) * 10_000 + stated(match.upstream);
}

/** What an action still owes before it may run by itself. */
export function owed(action: ActionDocument): readonly string[] {
  if (action.automation !== 'automatic') return [];
  return [
    ...(action.owner === undefined ? ['`owner`'] : []),
    ...(action.expires === undefined ? ['`expires`'] : []),
    ...(action.revocation === undefined ? ['`revocation`'] : []),
    ...(action.reason === undefined ? ['`reason`'] : []),
    ...(action.reversible || action.tier !== 'act' ? [] : ['`reversible: true`']),
  ];
}
