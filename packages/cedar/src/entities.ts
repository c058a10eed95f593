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

/**
 * Entities with the transitive closure of their parents. Changed in place: an entity that is put or removed
 * renews only what stands below it.
 */
export class Entities implements EntitySource {
  readonly #entities = new Map<string, Entity>();
  readonly #children = new Map<string, Set<string>>();

  /** A list in Cedar's JSON format. Throws {@link CedarError} for what is malformed, stands twice or is in itself. */
  static fromJson(json: unknown): Entities {
    if (!Array.isArray(json)) throw new CedarError('expected a list of entities');
    const described = (json as readonly unknown[]).map(readEntity);
    const entities = new Entities();
    for (const entity of described) {
      if (entities.#entities.has(entity.uid.key)) throw new CedarError(`${String(entity.uid)} is there twice`);
      entities.#keep(entity, new Set());
    }
    entities.#close(described.map(({ uid }) => uid.key));
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
    this.#keep(entity, new Set());
    this.#close([...below]);
  }

  /** Removes an entity; what names it as a parent still does. */
  remove(uid: EntityUid): void {
    const below = this.#below(uid.key);
    this.#forget(uid.key);
    this.#close([...below].filter((key) => this.#entities.has(key)));
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

  #keep(entity: Described, ancestors: ReadonlySet<string>): void {
    this.#entities.set(entity.uid.key, { ...entity, ancestors });
    for (const parent of entity.parents) {
      const children = this.#children.get(parent.key) ?? new Set();
      this.#children.set(parent.key, children.add(entity.uid.key));
    }
  }

  #forget(key: string): void {
    for (const parent of this.#entities.get(key)?.parents ?? []) this.#children.get(parent.key)?.delete(key);
    this.#entities.delete(key);
  }

  /** Finds the ancestors of these entities anew, from the top down. */
  #close(keys: readonly string[]): void {
    const open = new Set(keys);
    const path = new Set<string>();
    const stack = [...keys];
    for (let key = stack.pop(); key !== undefined; key = stack.pop()) {
      const entity = this.#entities.get(key);
      if (!entity || !open.has(key)) continue;
      const waiting = entity.parents.filter((parent) => open.has(parent.key) && this.#entities.has(parent.key));
      if (waiting.length > 0) {
        if (path.has(key)) throw inItself(entity.uid);
        path.add(key);
        stack.push(key, ...waiting.map((parent) => parent.key));
        continue;
      }
      path.delete(key);
      open.delete(key);
      const ancestors = new Set(entity.parents.flatMap((parent) => [parent.key, ...(this.#entities.get(parent.key)?.ancestors ?? [])]));
      this.#entities.set(key, { ...entity, ancestors });
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
