import { FlyballError } from '@flyball/protocol';
import type { AccessRequests, AskingPoint, Looked, Wish } from '../../approval/index.js';
import type { Decided, DecisionInputs } from '../../action/states.js';
import { limits } from '../../lib/limits.js';
import { identityType } from '../../policy/index.js';
import type { Asker } from '../authzen/evaluator.js';
import type { AskedEvaluation } from '../authzen/read-request.js';

export interface OfferParts {
  /** Whether the configuration lets an enforcement point ask for grants of others. */
  mayAsk(identity: string): boolean;
  /** Grants any one of which would have kept a denied attempt from being denied. */
  wouldOpen(inputs: DecisionInputs): readonly string[];
  /** An evaluation as it would be decided now. Nothing is recorded. */
  decide(asked: AskedEvaluation, asker: Asker): Promise<Decided>;
  readonly requests: Pick<AccessRequests, 'lookThrough'>;
}

/** What would be decided about one wish or another for the subject of a denial. */
export type Look = (wish: Wish) => Promise<Looked>;

/** What every policy about requests can look at, and as little of it as can be asked for. */
const least = { why: 'looked up in the catalogue', minutes: 1, rollback: 'looked up in the catalogue' } as const;

/** Which grants an enforcement point can be offered for a denial: those that would open it, and that policy lets its subject ask for. */
export class GrantOffers {
  constructor(private readonly parts: OfferParts) {}

  /** Whether an enforcement point may ask for grants of others at all. */
  mayAsk(identity: string): boolean {
    return this.parts.mayAsk(identity);
  }

  /** True for a denial that a grant could lift and that is given to somebody who may ask for one. Of all others it costs nothing to know. */
  async isLiftable(asked: Pick<AskedEvaluation, 'subject'>, decided: Decided): Promise<boolean> {
    if (!this.#lacksPermit(asked, decided)) return false;
    try {
      const look = await this.#lookFor(asked, decided);
      if (look) for (const name of this.#candidates(decided)) if (await isRequestable(name, look)) return true;
      return false;
    } catch (error) {
      // Whatever keeps this from being known, the denial stands.
      if (error instanceof FlyballError) return false;
      throw error;
    }
  }

  /** Names of the grants that could be asked for now, in order; of very many the first. */
  async namesFor(asked: AskedEvaluation, asker: Asker, isWanted: (name: string) => boolean): Promise<readonly string[]> {
    const decided = await this.#deniedNow(asked, asker);
    if (!decided) return [];
    const look = await this.#lookFor(asked, decided);
    if (!look) return [];
    const found: string[] = [];
    for (const name of this.#candidates(decided, isWanted)) if (await isRequestable(name, look)) found.push(name);
    return found;
  }

  /** Whether a grant could be asked for now; `undefined` where no grant would lift this any more. */
  async lookIfOffered(asked: AskedEvaluation, asker: Asker, grant: string): Promise<{ readonly look: Look; readonly isOffered: boolean } | undefined> {
    const decided = await this.#deniedNow(asked, asker);
    if (!decided) return undefined;
    const look = await this.#lookFor(asked, decided);
    return look && { look, isOffered: this.#candidates(decided, (name) => name === grant).length > 0 && (await isRequestable(grant, look)) };
  }

  /** The evaluation as it would be decided now, where it would still be denied for want of a permit. */
  async #deniedNow(asked: AskedEvaluation, asker: Asker): Promise<Decided | undefined> {
    try {
      const decided = await this.parts.decide(asked, asker);
      return this.#lacksPermit(asked, decided) ? decided : undefined;
    } catch (error) {
      if (error instanceof FlyballError && (error.code === 'action_unknown' || error.code === 'denied')) return undefined;
      throw error;
    }
  }

  /** Nothing for whoever is not registered, or is not in good standing: they have nothing to ask for. */
  async #lookFor({ subject }: Pick<AskedEvaluation, 'subject'>, { principal, origin }: Decided): Promise<Look | undefined> {
    const point: AskingPoint = { identity: principal.identity.id, address: origin.address };
    try {
      return await this.parts.requests.lookThrough(subject.id, point);
    } catch (error) {
      if (error instanceof FlyballError && error.code === 'identity_refused') return undefined;
      throw error;
    }
  }

  #lacksPermit({ subject }: Pick<AskedEvaluation, 'subject'>, { decision, principal }: Decided): boolean {
    return decision.outcome === 'deny' && decision.kind === 'no_permit' && subject.type === identityType && this.parts.mayAsk(principal.identity.id);
  }

  #candidates({ inputs }: Decided, isWanted: (name: string) => boolean = () => true): readonly string[] {
    return this.parts.wouldOpen(inputs).filter(isWanted).sort().slice(0, limits.grantsForeseenMax);
  }
}

/** Policy would not deny even the least that can be asked for. */
async function isRequestable(grant: string, look: Look): Promise<boolean> {
  const { outcome, fault } = await look({ grant, ...least });
  return outcome !== 'deny' && !fault;
}
