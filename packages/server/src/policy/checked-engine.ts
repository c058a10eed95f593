import { FlyballError } from '@flyball/protocol';
import type { EngineAnswer, EngineRequest, PolicyEngine } from './engine.js';

export interface Check {
  /** One decision in so many is asked twice. */
  readonly every: number;
  /** Told which policies the engines disagree on. */
  alarm(policies: readonly string[]): void;
}

/**
 * An engine with another one beside it, which a sample of live decisions is asked of as well. Where they
 * differ one of them is wrong, nobody knows which, and nothing is allowed.
 */
export class CheckedEngine implements PolicyEngine {
  #asked = 0;

  constructor(
    private readonly engine: PolicyEngine,
    private readonly oracle: PolicyEngine,
    private readonly check: Check,
  ) {}

  evaluate(request: EngineRequest): EngineAnswer {
    const answer = this.engine.evaluate(request);
    if (this.#asked++ % this.check.every !== 0) return answer;
    const differing = differences(answer, this.oracle.evaluate(request));
    if (differing.length === 0) return answer;
    this.check.alarm(differing);
    throw new FlyballError('internal', 'two policy engines do not agree; nothing was allowed');
  }

  close(): void {
    this.engine.close();
    this.oracle.close();
  }
}

function differences(left: EngineAnswer, right: EngineAnswer): readonly string[] {
  const said = ({ satisfied, broken }: EngineAnswer, id: string) => (broken.has(id) ? 'broken' : satisfied.has(id));
  const ids = new Set([left, right].flatMap(({ satisfied, broken }) => [...satisfied, ...broken.keys()]));
  return [...ids].filter((id) => said(left, id) !== said(right, id)).sort();
}
