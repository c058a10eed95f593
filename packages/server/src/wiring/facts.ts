import { isObject } from '@flyball/protocol';
import type { DecisionInputs } from '../action/states.js';
import type { Board, Holds } from '../approval/index.js';
import type { Config } from '../config.js';
import type { Ledger } from '../ledger/index.js';
import type { Clock } from '../lib/clock.js';
import type { Log } from '../lib/log.js';
import { repeat } from '../lib/repeat.js';
import { type ActiveBundle, Arrivals, type Bundle, EvidenceChecks, Facts, type Policy, Sources, unprovided } from '../policy/index.js';

/** Who supplies facts and confirms evidence, put together. */
export interface FactsRoom {
  readonly facts: Facts;
  readonly evidence: EvidenceChecks;
  close(): Promise<void>;
}

/** Throws `config_invalid` for a source that cannot be used. */
export function openFacts({ facts, evidence_sources, directory, secretOf }: Config, bundle: ActiveBundle, clock: Clock): FactsRoom {
  const sources = new Sources({ directory, secretOf });
  return {
    facts: new Facts(facts, sources, clock),
    evidence: new EvidenceChecks(() => bundle.current.evidence, evidence_sources, sources, clock),
    close: () => sources.close(),
  };
}

/** What a bundle asks for and the configuration does not supply, as warnings. */
export const unprovidedBy = ({ facts, evidence_sources, sign_in: signIn }: Pick<Config, 'facts' | 'evidence_sources' | 'sign_in'>) => {
  const provided = { facts: new Set(Object.keys(facts)), evidenceSources: new Set(Object.keys(evidence_sources)), signIn: signIn !== undefined };
  return (bundle: Bundle) => unprovided(bundle, provided);
};

export interface ArrivalParts {
  readonly board: Pick<Board, 'list'>;
  readonly holds: Pick<Holds, 'arrived'>;
  readonly ledger: Ledger;
  readonly policy: Policy;
  readonly clock: Clock;
}

const lookEveryMs = 1_000;

/** Looks whether what holds wait for has arrived, and says so to who waits. */
export function arrivalsJob({ board, holds, ledger, policy, clock }: ArrivalParts, stop: AbortSignal, log: Log): Promise<void> {
  const waiting = {
    // What waits behind another hold is told when that one ends.
    list: () => [...board.list()].map((hold) => ({ ...hold, facts: hold.facts.filter(({ needs }) => !needs.some((need) => need.startsWith('hold:'))) })).filter(({ outcome, facts }) => outcome === 'defer' && facts.length > 0),
    inputsOf: async (id: string) => inputsOf((await ledger.store.payload(id))?.content),
    arrived: async (id: string, facts: readonly string[]) => void (await holds.arrived(id, facts)),
  };
  const arrivals = new Arrivals(waiting, (inputs, names, youngerThanMs) => policy.stillWaits(inputs, names, youngerThanMs), clock);
  const failed = () => log('warn', 'whether facts have arrived cannot be told now; it is tried again');
  return repeat(() => arrivals.round(), { everyMs: lookEveryMs, stop, failed });
}

function inputsOf(content: string | undefined): DecisionInputs | undefined {
  const read: unknown = content === undefined ? undefined : JSON.parse(content);
  return isObject(read) && isObject(read['inputs']) ? (read['inputs'] as unknown as DecisionInputs) : undefined;
}
