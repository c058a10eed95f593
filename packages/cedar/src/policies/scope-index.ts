import type { EntityUid } from '../values/entity-uid.js';
import type { Asked, AskedScope, Constraint, Scope } from './scope.js';

/** Leaves by what a constraint names, so that only those are visited whose constraint holds. */
class Level<Next> {
  #any: Next | undefined;
  readonly #equal = new Map<string, Next>();
  readonly #in = new Map<string, Next>();
  readonly #is = new Map<string, Next>();
  readonly #isIn = new Map<string, Map<string, Next>>();

  constructor(private readonly make: () => Next) {}

  /** The places where something with this constraint is kept: one, or one for each entity of a list. */
  placesOf(constraint: Constraint): readonly Next[] {
    switch (constraint.op) {
      case 'any':
        return [(this.#any ??= this.make())];
      case 'equal':
        return [this.#place(this.#equal, constraint.uid.key)];
      case 'in':
        return constraint.uids.map((uid) => this.#place(this.#in, uid.key));
      case 'is':
        return [this.#place(this.#is, constraint.type)];
      case 'is-in': {
        const groups = this.#isIn.get(constraint.type) ?? new Map<string, Next>();
        this.#isIn.set(constraint.type, groups);
        return [this.#place(groups, constraint.uid.key)];
      }
    }
  }

  /** Visits every place whose constraint holds for an entity; one that is kept under several groups, for each. */
  visit({ uid, ancestors }: Asked, found: (next: Next) => void): void {
    if (this.#any !== undefined) found(this.#any);
    visitOne(this.#equal, uid.key, found);
    visitOne(this.#is, uid.type, found);
    visitGroups(this.#in, uid, ancestors, found);
    const groups = this.#isIn.get(uid.type);
    if (groups) visitGroups(groups, uid, ancestors, found);
  }

  #place(places: Map<string, Next>, key: string): Next {
    const known = places.get(key);
    if (known !== undefined) return known;
    const made = this.make();
    places.set(key, made);
    return made;
  }
}

function visitOne<Next>(places: ReadonlyMap<string, Next>, key: string, found: (next: Next) => void): void {
  const place = places.size > 0 ? places.get(key) : undefined;
  if (place !== undefined) found(place);
}

/** Follows the shorter of both: the groups that are named, or those that the entity is in. */
function visitGroups<Next>(places: ReadonlyMap<string, Next>, uid: EntityUid, ancestors: ReadonlySet<string> | undefined, found: (next: Next) => void): void {
  if (places.size === 0) return;
  visitOne(places, uid.key, found);
  if (!ancestors) return;
  if (ancestors.size <= places.size) for (const group of ancestors) visitOne(places, group, found);
  else for (const [group, place] of places) if (ancestors.has(group)) found(place);
}

/** Finds what applies to a request by its scope, without looking at what does not. */
export class ScopeIndex<Item> {
  readonly #root = new Level(() => new Level(() => new Level<Item[]>(() => [])));

  add(scope: Scope, item: Item): void {
    for (const byPrincipal of this.#root.placesOf(scope.action)) {
      for (const byResource of byPrincipal.placesOf(scope.principal)) {
        for (const items of byResource.placesOf(scope.resource)) items.push(item);
      }
    }
  }

  /** Visits all whose scope holds; one whose head lists several groups perhaps more than once. */
  visit({ principal, action, resource }: AskedScope, found: (item: Item) => void): void {
    this.#root.visit(action, (byPrincipal) => {
      byPrincipal.visit(principal, (byResource) => {
        byResource.visit(resource, (items) => items.forEach(found));
      });
    });
  }
}
