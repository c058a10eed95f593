import type { JsonObject } from '@flyball/protocol';
import type { FactType } from './documents.js';

/** What stands for a placeholder such as `args.vendor`; nothing where the attempt has no such text or number. */
export type Lookup = (placeholder: string) => string | undefined;

/** Attributes of each fact by its name, as the catalogue declares them. */
export type FactTypes = Readonly<Record<string, Readonly<Record<string, FactType>>>>;

export type FactAnswer = FactOrigin & ({ readonly kind: 'known'; readonly value: JsonObject } | { readonly kind: 'missing'; readonly why: string });

interface FactOrigin {
  readonly sources: readonly { readonly source: string; readonly fetchedAtMs: number }[];
  /** From then on it is too old to count. */
  readonly goodUntilMs: number;
  /** How old an answer may become. */
  readonly freshForMs: number;
  /** What the sources were asked with. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Who supplies facts. Never throws: what cannot be had is missing, and says why. */
export interface FactSource {
  /** Facts that somebody is configured for. */
  readonly names: ReadonlySet<string>;
  /** @param youngerThanMs asks again for what was fetched longer ago than this */
  gather(names: readonly string[], types: FactTypes, lookup: Lookup, youngerThanMs?: number): Promise<ReadonlyMap<string, FactAnswer>>;
}
