import { CedarError } from './errors.js';
import type { EntityUid } from './values/entity-uid.js';
import { isJsonObject, type Json, readUid, toRecord } from './values/json.js';
import { type CedarRecord, emptyRecord } from './values/value.js';

export interface Entity {
  readonly uid: EntityUid;
  readonly attributes: CedarRecord;
  readonly tags: CedarRecord;
  readonly parents: readonly EntityUid[];
  /** Keys of all that it is in, not of itself. */
  readonly ancestors: ReadonlySet<string>;
}

/** Where evaluation finds entities, by the key of their uid. */
export interface EntitySource {
  get(key: string): Entity | undefined;
}

type Described = Omit<Entity, 'ancestors'>;

/** All of one shape: entities are read more often than anything else. */
class Kept implements Entity {
  readonly uid: EntityUid;
  readonly attributes: CedarRecord;
  readonly tags: CedarRecord;
  readonly parents: readonly EntityUid[];

  constructor(
    { uid, attributes, tags, parents }: Described,
    private readonly ancestorsOf: (key: string) => ReadonlySet<string>,
  ) {
    this.uid = uid;
    this.attributes = attributes;
    this.tags = tags;
    this.parents = parents;
  }

  get ancestors(): ReadonlySet<string> {
    return this.ancestorsOf(this.uid.key);
  }
}

/** How many keys of ancestors are remembered: those of all in a chain are the square of its length. */
const rememberedMax = 1_000_000;

/**
 * Entities, each of which finds the transitive closure of its parents when it is asked, and remembers it.
 * Changed in place: an entity that is put or removed renews only what stands below it.
 */
export class Entities implements EntitySource {
  readonly #entities = new Map<string, Entity>();
  readonly #children = new Map<string, Set<string>>();
  readonly #ancestors = new Map<string, ReadonlySet<string>>();
  readonly #closure = (key: string) => this.#ancestorsOf(key);
  #remembered = 0;

  /** A list in Cedar's JSON format. Throws {@link CedarError} for what is malformed, stands twice or is in itself. */
  static fromJson(json: unknown): Entities {
    if (!Array.isArray(json)) throw new CedarError('expected a list of entities');
    const entities = new Entities();
    for (const entity of (json as readonly unknown[]).map(readEntity)) {
      if (entities.#entities.has(entity.uid.key)) throw new CedarError(`${String(entity.uid)} is there twice`);
      entities.#keep(entity);
    }
    entities.#refuseCycles();
    return entities;
  }

  get(key: string): Entity | undefined {
    return this.#entities.get(key);
  }

  get size(): number {
    return this.#entities.size;
  }

  values(): IterableIterator<Entity> {
    return this.#entities.values();
  }

  /** Puts an entity in Cedar's JSON format, in the place of one with the same uid. Throws {@link CedarError}, and nothing has changed. */
  put(json: unknown): void {
    const entity = readEntity(json);
    const { key } = entity.uid;
    const below = this.#below(key);
    if (entity.parents.some((parent) => below.has(parent.key))) throw inItself(entity.uid);
    this.#forget(key);
    this.#keep(entity);
    this.#renew(below);
  }

  /** Removes an entity; what names it as a parent still does. */
  remove(uid: EntityUid): void {
    this.#forget(uid.key);
    this.#renew(this.#below(uid.key));
  }

  /** Keys of what is in an entity, and its own. */
  #below(key: string): Set<string> {
    const found = new Set([key]);
    for (const member of found) for (const child of this.#children.get(member) ?? []) found.add(child);
    return found;
  }

  /** Entities that are in one, itself included. */
  descendants(uid: EntityUid): readonly Entity[] {
    return [...this.#below(uid.key)].flatMap((key) => this.#entities.get(key) ?? []);
  }

  #keep(entity: Described): void {
    const { key } = entity.uid;
    this.#entities.set(key, new Kept(entity, this.#closure));
    for (const parent of entity.parents) {
      const children = this.#children.get(parent.key) ?? new Set();
      this.#children.set(parent.key, children.add(key));
    }
  }

  #forget(key: string): void {
    for (const parent of this.#entities.get(key)?.parents ?? []) {
      const children = this.#children.get(parent.key);
      children?.delete(key);
      if (children?.size === 0) this.#children.delete(parent.key);
    }
    this.#entities.delete(key);
  }

  #renew(keys: Iterable<string>): void {
    for (const key of keys) {
      this.#remembered -= this.#ancestors.get(key)?.size ?? 0;
      this.#ancestors.delete(key);
    }
  }

  #ancestorsOf(key: string): ReadonlySet<string> {
    const known = this.#ancestors.get(key);
    if (known) return known;
    const found = new Set(this.#parentsOf(key));
    for (const ancestor of found) for (const parent of this.#parentsOf(ancestor)) found.add(parent);
    if (this.#remembered + found.size > rememberedMax) this.#renew([...this.#ancestors.keys()]);
    this.#ancestors.set(key, found);
    this.#remembered += found.size;
    return found;
  }

  #parentsOf(key: string): readonly string[] {
    return this.#entities.get(key)?.parents.map((parent) => parent.key) ?? [];
  }

  /** Goes up from every entity, below an entity only once. */
  #refuseCycles(): void {
    const open = new Set(this.#entities.keys());
    const path = new Set<string>();
    const stack = [...open];
    for (let key = stack.pop(); key !== undefined; key = stack.pop()) {
      const entity = this.#entities.get(key);
      if (!entity || !open.has(key)) continue;
      const waiting = this.#parentsOf(key).filter((parent) => open.has(parent));
      if (waiting.length === 0) open.delete(key);
      else if (path.has(key)) throw inItself(entity.uid);
      else {
        path.add(key);
        stack.push(key);
        for (const parent of waiting) stack.push(parent);
      }
    }
  }
}

const inItself = (uid: EntityUid) => new CedarError(`${String(uid)} is in itself`);

function readEntity(json: unknown): Described {
  if (!isJsonObject(json)) throw new CedarError('expected an entity as an object');
  const { uid, attrs, parents, tags } = json;
  if (!Array.isArray(parents)) throw new CedarError('expected `parents` as a list');
  if (!isJsonObject(attrs)) throw new CedarError('expected `attrs` as an object');
  if (tags !== undefined && !isJsonObject(tags)) throw new CedarError('expected `tags` as an object');
  return { uid: readUid(uid), attributes: toRecord(attrs), tags: tags === undefined ? emptyRecord : toRecord(tags), parents: (parents as readonly Json[]).map(readUid) };
}

/** Some entities before others: a request's own before those that are always there. */
export const layered = (first: EntitySource, then: EntitySource): EntitySource => ({ get: (key) => first.get(key) ?? then.get(key) });
