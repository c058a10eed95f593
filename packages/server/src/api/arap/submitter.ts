import type { JsonObject, Principal } from '@flyball/protocol';
import type { Asker } from '../authzen/evaluator.js';

/** Whoever submits: who they are, what their token says, from where, and the attempt that a question begins. */
export interface Submitter extends Asker {
  readonly principal: Principal;
  readonly claims: JsonObject;
  readonly address: string;
}
