import type { Json } from '@flyball/protocol';
import type { KnownEntities } from './known-entities.js';

export interface EntityUid {
  readonly type: string;
  readonly id: string;
}

export interface EngineRequest {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  /** In Cedar's JSON format. */
  readonly context: Json;
  readonly entities: Json;
  /** Entities that are always there; the request's own add to them. */
  readonly known?: KnownEntities;
}

/** Of all policies that can apply: which are satisfied and which could not be evaluated. The others do not apply. */
export interface EngineAnswer {
  /** Every policy whose action could match: those that were asked. */
  readonly considered: ReadonlySet<string>;
  readonly satisfied: ReadonlySet<string>;
  readonly broken: ReadonlyMap<string, Broken>;
}

/** Why a policy could not be evaluated. */
export interface Broken {
  readonly message: string;
  /** The attribute that was not there, as the policy writes it: `context.facts.change_window`. */
  readonly missing?: string;
}

/**
 * Evaluates every policy by itself, permits and forbids alike; nothing is skipped in silence. What follows
 * from the answer is not the engine's to say. Throws when it can give no answer.
 */
export interface PolicyEngine {
  evaluate(request: EngineRequest): EngineAnswer;
  /** Frees what the engine keeps for these policies. */
  close(): void;
}
