import type { Findings } from '../finding.js';
import { membersOf, textOf } from '../leaf/members.js';
import { placeOf, type Recorded } from './recorded.js';
import { graceMs } from './times.js';

interface Use {
  readonly recorded: Recorded;
  readonly count: number;
}

/** That every decision names a bundle that was active: activated before it, give or take the clocks of two nodes. */
export class Bundles {
  readonly #activatedAt = new Map<string, number>();
  readonly #uses = new Map<string, Use>();

  constructor(private readonly findings: Findings) {}

  add(recorded: Recorded): void {
    const { kind, at, body } = recorded.entry;
    if (kind === 'bundle.activated') {
      const bundle = textOf(body, 'bundle') ?? '';
      this.#activatedAt.set(bundle, Math.min(at, this.#activatedAt.get(bundle) ?? at));
      return;
    }
    const decision = membersOf(body, 'decision');
    const mustDecide = kind === 'intent' || kind === 'hold';
    if (!mustDecide && (kind !== 'refusal' || Object.keys(decision).length === 0)) return;
    const bundle = textOf(decision, 'bundle') ?? '';
    const use = this.#uses.get(bundle);
    if (!use) this.#uses.set(bundle, { recorded: slim(recorded), count: 1 });
    else this.#uses.set(bundle, { recorded: use.recorded.entry.at <= at ? use.recorded : slim(recorded), count: use.count + 1 });
  }

  finish(): void {
    for (const [bundle, { recorded, count }] of this.#uses) {
      const at = this.#activatedAt.get(bundle);
      const name = bundle === '' ? 'one that it does not name' : bundle;
      if (at === undefined) this.findings.add('bundle_unknown', `expected the bundle of this decision to have been activated: ${name} (${count} decisions)`, placeOf(recorded));
      else if (at > recorded.entry.at + graceMs) this.findings.add('bundle_unknown', `expected the bundle of this decision to have been activated before it, not on ${new Date(at).toISOString()}: ${name}`, placeOf(recorded));
    }
  }
}

/** Bodies are not kept. */
const slim = ({ entry, ...rest }: Recorded): Recorded => ({ ...rest, entry: { ...entry, body: {} } });
