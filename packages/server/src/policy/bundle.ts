import type { PolicySet } from '@flyball/cedar';
import type { Identity, Json } from '@flyball/protocol';
import type { Rule } from './annotations.js';
import type { Catalogue, CataloguedAction } from './catalogue.js';
import type { CompiledPolicy } from './cedar-wasm.js';
import type { PolicySource } from './cedar-text.js';
import type { PolicyEngine } from './engine.js';
import type { EvidenceTerms } from './evidence/load-evidence.js';
import type { FactTypes } from './fact-source.js';
import type { FactUse } from './fact-use.js';
import type { EntityTypes } from './entity-types.js';
import type { GrantTerms } from './grants.js';
import type { KnownEntities } from './known-entities.js';
import type { CompiledRego } from './rego/decide-by-rego.js';
import type { TemporalClauses } from './temporal.js';
import type { ArgumentType } from './types.js';

/** A person as people.yaml has them. */
export interface PersonRecord {
  readonly groups: readonly string[];
  readonly administrator: boolean;
  readonly auditor: boolean;
  /** Other names of the same human. */
  readonly also: readonly string[];
  readonly email?: string | undefined;
  /** Their consent counts only beside another person's. */
  readonly peerReview: boolean;
}

/** Who may declare an emergency, for how long, and who reviews it. */
export interface EmergencyTerms {
  readonly groups: readonly string[];
  readonly reviewers: string;
  readonly longestMs: number;
  readonly second: boolean;
}

/** An immutable, versioned set of policies, catalogue, identities and people. */
export interface Bundle {
  /** Digest of its files: the policy version that every decision names. */
  readonly digest: string;
  readonly files: Readonly<Record<string, string>>;
  readonly catalogue: Catalogue;
  readonly identities: readonly Identity[];
  readonly people: ReadonlyMap<string, PersonRecord>;
  readonly emergencies: ReadonlyMap<string, EmergencyTerms>;
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
  readonly factTypes: FactTypes;
  readonly factUse: FactUse;
  /** What identities can ask for, for a time. */
  readonly grants: ReadonlyMap<string, GrantTerms>;
  /** Which of them policies look at, by action. */
  readonly grantUse: FactUse;
  /** Kinds of evidence that its rules can ask for. */
  readonly evidence: EvidenceTerms;
  readonly warnings: readonly string[];
  /** Pinned definitions of tools, by upstream and name. */
  readonly tools: ReadonlyMap<string, ReadonlyMap<string, Json>>;
  /** Types of what enforcement points ask about, and the entities of them that the bundle states. */
  readonly entityTypes: EntityTypes;
  readonly entities: KnownEntities;
  /** Names of the attributes that each policy reads, of whatever entity. */
  readonly attributesRead: ReadonlyMap<string, ReadonlySet<string>>;
  /** The permits that count: who could be allowed at all is found with them. */
  permits(): PolicySet;
  argumentsOf(action: CataloguedAction, upstream: string, name: string): ArgumentType | undefined;
}

