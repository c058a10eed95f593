import type { Effect, FlyballError } from '@flyball/protocol';
import type { Clock } from '../lib/clock.js';
import type { Turns } from './turns.js';
import type {
  Approved,
  Decided,
  Hold,
  Identified,
  Inspected,
  Intended,
  Issued,
  Performed,
  Received,
  Result,
  Situated,
} from './states.js';

/** What the flow asks of the rooms it passes through. `wiring.ts` says who answers. */
export interface Stages {
  identify(received: Received): Promise<Identified>;
  situate(identified: Identified): Promise<Situated>;
  decide(situated: Situated): Promise<Decided>;
  approve(decided: Decided): Promise<Approval>;
  issue(intended: Intended): Promise<Issued>;
  inspect(performed: Performed): Inspected;
  end(issued: Issued): Promise<void>;
  readonly record: Recorder;
  readonly clock: Clock;
  readonly turns: Turns;
}

export type Approval =
  | { readonly kind: 'approved'; readonly approved: Approved }
  | { readonly kind: 'hold'; readonly known: Hold | undefined }
  | { readonly kind: 'refused'; readonly error: FlyballError };

/** How far an attempt came before it was refused. */
export type Reached = Received & Partial<Omit<Decided, keyof Received>>;

export interface Recorder {
  /** Durable when it resolves. `undefined`: the session moved on meanwhile, so the decision is void. */
  intent(approved: Approved): Promise<Intended | undefined>;
  /** What an enforcement point is told it may do, where no outcome is owed. False: the session moved on meanwhile. */
  evaluation(approved: Approved): Promise<boolean>;
  /** `undefined`: the session moved on meanwhile. */
  hold(decided: Decided): Promise<Hold | undefined>;
  /** False when another node wrote to the session meanwhile: then it is looked at again. */
  isCurrent(decided: Decided): Promise<boolean>;
  /** The log's promise that it is recorded; nothing where it could not be. */
  refusal(reached: Reached, error: FlyballError): Promise<string | undefined>;
  /** Never throws: what cannot be recorded now is kept on disk until it can. Settles the intent once. */
  outcome(intended: Intended, effect: Effect, detail: OutcomeDetail): Promise<void>;
}

export interface OutcomeDetail {
  readonly result?: Result;
  readonly findings?: readonly string[];
  readonly error?: FlyballError;
}

/** Carries out one attempt at its target. Stops when the signal aborts. */
export type Perform = (issued: Issued, signal: AbortSignal) => Promise<Result>;
