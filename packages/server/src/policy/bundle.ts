import type { PolicySet } from '@flyball/cedar';
import type { Identity, Json } from '@flyball/protocol';
import type { Rule } from './annotations.js';
import type { Catalogue, CataloguedAction } from './catalogue.js';
import type { CompiledPolicy } from './cedar-wasm.js';
import type { PolicySource } from './cedar-text.js';
import type { PolicyEngine } from './engine.js';
import type { CompiledRego } from './rego/decide-by-rego.js';
import type { TemporalClauses } from './temporal.js';
import type { ArgumentType } from './types.js';

/** An immutable, versioned set of policies, catalogue, identities and people. */
export interface Bundle {
  /** Digest of its files: the policy version that every decision names. */
  readonly digest: string;
  readonly files: Readonly<Record<string, string>>;
  readonly catalogue: Catalogue;
  readonly identities: readonly Identity[];
  readonly people: ReadonlyMap<string, { readonly groups: readonly string[]; readonly administrator: boolean }>;
  readonly rules: ReadonlyMap<string, Rule>;
  /** Arguments that each policy looks at. */
  readonly looksAt: ReadonlyMap<string, ReadonlySet<string> | 'all'>;
  readonly sources: ReadonlyMap<string, PolicySource>;
  readonly policies: readonly CompiledPolicy[];
  /** The same policies, for explaining. */
  readonly policySet: PolicySet;
  readonly temporal: TemporalClauses;
  readonly engine: PolicyEngine;
  /** The policies without their conditions, for asking what could be allowed at all. */
  reach(): PolicyEngine;
  readonly actionGroups: ReadonlyMap<string, readonly string[]>;
  /** Rego that decides beside Cedar, or alone where there is no Cedar policy. */
  readonly rego?: CompiledRego;
  /** Groups that somebody is in. */
  readonly approverGroups: ReadonlySet<string>;
  /** Names of the facts that the catalogue declares. */
  readonly facts: ReadonlySet<string>;
  readonly warnings: readonly string[];
  /** Pinned definitions of tools, by upstream and name. */
  readonly tools: ReadonlyMap<string, ReadonlyMap<string, Json>>;
  argumentsOf(action: CataloguedAction, upstream: string, name: string): ArgumentType | undefined;
}

