import { isObject, type Json, type JsonObject, outcomes } from '@flyball/protocol';
import type { Bundle } from '../bundle.js';
import { refusedBefore } from '../decide.js';
import { evaluate } from '../evaluate.js';
import { Calls } from './calls.js';
import { type Asked, type Pass, readDecisions, type ReadOptions, type ReadReport } from './read-decisions.js';
import type { EntryRef, Rules } from './record.js';
import { isSame, namesOfDifferent } from './same.js';
import { refusedByTask } from './sense.js';
import { type Listed, Listing } from './tally.js';
import { type Mismatch, mismatches, nearMs } from './verify-inputs.js';

/** What is not as it was recorded, both sides. */
export interface Difference {
  readonly entry: EntryRef;
  readonly part: 'decision' | 'payload' | Mismatch['part'];
  readonly recorded: Json;
  readonly again: Json;
}

export interface VerifyReport extends ReadReport {
  /** Decisions that were made again, and came out as they were recorded, on inputs that the record bears out. */
  readonly same: number;
  readonly different: Listed<Difference>;
  /** Of the same ones: those on whose inputs entries of the same moment in another session or on another node bear. */
  readonly near: Listed<EntryRef>;
  /** Of the same ones: clauses whose past was erased since, so that only the decision could be made again. */
  readonly erasedPast: Listed<EntryRef>;
  /** Decisions that a running OPA took part in: Cedar's and compiled Rego's part was made again, OPA's is as recorded. */
  readonly opa: number;
}

/** Makes every recorded decision again. */
export async function verifyRecord(options: ReadOptions): Promise<VerifyReport> {
  const pass = new Verification(options.rules, options.most);
  const read = await readDecisions(options, pass);
  return { ...read, ...pass.toReport() };
}

interface Pending {
  readonly asked: Asked;
  readonly mismatch: Mismatch;
  readonly untilMs: number;
}

class Verification implements Pass {
  readonly options = { earlierMs: nearMs, partsMost: 0 };
  readonly #calls = new WeakMap<Bundle, Calls>();
  readonly #different: Listing<Difference>;
  readonly #near: Listing<EntryRef>;
  readonly #erasedPast: Listing<EntryRef>;
  #pending: Pending[] = [];
  #same = 0;
  #opa = 0;

  constructor(
    private readonly rules: Rules,
    most: number,
  ) {
    this.#different = new Listing(most);
    this.#near = new Listing(most);
    this.#erasedPast = new Listing(most);
  }

  decision(asked: Asked): void {
    const { row, ref, recorded, opa } = asked;
    if (row.payload && row.entry.payload !== this.rules.payloadDigest(row.payload)) return this.#differs({ entry: ref, part: 'payload', recorded: row.entry.payload ?? null, again: this.rules.payloadDigest(row.payload) });
    if (opa) this.#opa++;
    const again = this.#again(asked);
    const wrong = opa ? contradictsOpa(recorded as unknown as JsonObject, again) : !isSame(recorded, again);
    if (wrong) return this.#differs({ entry: ref, part: 'decision', ...bothSides(recorded as unknown as JsonObject, again) });
    const [mismatch] = mismatches(asked, this.#callsOf(asked.bundle));
    if (mismatch) this.#pending.push({ asked, mismatch, untilMs: row.entry.at + nearMs });
    else this.#same++;
  }

  unreadable(entry: EntryRef, why: string): void {
    this.#differs({ entry, part: 'payload', recorded: 'inputs of a decision', again: why });
  }

  readUpTo(atMs: number): void {
    if (this.#pending.length === 0) return;
    const over = this.#pending.filter(({ untilMs }) => untilMs < atMs);
    this.#pending = this.#pending.filter(({ untilMs }) => untilMs >= atMs);
    over.forEach((pending) => this.#settle(pending));
  }

  end(): void {
    this.#pending.splice(0).forEach((pending) => this.#settle(pending));
  }

  toReport(): Pick<VerifyReport, 'same' | 'different' | 'near' | 'erasedPast' | 'opa'> {
    const listed = <T>({ count, first }: Listing<T>): Listed<T> => ({ count, first });
    return { same: this.#same, different: listed(this.#different), near: listed(this.#near), erasedPast: listed(this.#erasedPast), opa: this.#opa };
  }

  #again({ inputs, bundle, recorded }: Asked): JsonObject {
    const before = refusedByTask(inputs);
    // Without a policy of its own a bundle leaves everything to the running OPA.
    if (!before && bundle.rules.size === 0 && !bundle.rego && recorded.policies.every(({ policy }) => policy.startsWith('opa/')) && recorded.policies.length > 0) return { ...recorded, policies: [] } as unknown as JsonObject;
    return this.rules.decisionBody(before ? refusedBefore(before, bundle.digest) : evaluate(inputs, bundle)) as JsonObject;
  }

  #settle({ asked, mismatch }: Pending): void {
    if (mismatch.isExplained()) this.#near.add(() => asked.ref);
    else if (mismatch.part === 'temporal' && isPastErased(asked)) this.#erasedPast.add(() => asked.ref);
    else return this.#differs({ entry: asked.ref, part: mismatch.part, recorded: mismatch.recorded, again: mismatch.again });
    this.#same++;
  }

  #differs(difference: Difference): void {
    this.#different.add(() => difference);
  }

  #callsOf(bundle: Bundle): Calls {
    const known = this.#calls.get(bundle) ?? new Calls(bundle);
    this.#calls.set(bundle, known);
    return known;
  }
}

const isPastErased = ({ track, nowMs, bundle }: Asked): boolean => track.owner.events.since(nowMs - bundle.temporal.monitor.horizonMs).some(({ erased }) => erased);

function bothSides(recorded: JsonObject, again: JsonObject): { readonly recorded: Json; readonly again: Json } {
  const names = namesOfDifferent(recorded, again);
  const pick = (from: JsonObject) => Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));
  return { recorded: pick(recorded), again: pick(again) };
}

/** OPA can only have made a decision stricter, and Cedar's and compiled Rego's verdicts are all in it. */
function contradictsOpa(recorded: JsonObject, again: JsonObject): boolean {
  const rank = ({ outcome }: JsonObject) => outcomes.findIndex((each) => each === outcome);
  const policies = (decision: JsonObject) => (Array.isArray(decision['policies']) ? (decision['policies'] as readonly Json[]) : []);
  const own = policies(recorded).filter((item) => !(isObject(item) && String(item['policy']).startsWith('opa/')));
  return recorded['bundle'] !== again['bundle'] || rank(recorded) > rank(again) || !isSame(own, policies(again).slice(0, own.length)) || policies(again).length !== own.length;
}
