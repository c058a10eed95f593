import { FlyballError } from '@flyball/protocol';
import type { Bundle } from './bundle.js';
import { loadBundle } from './load-bundle.js';

/** The bundle that decisions are made with. A reload is all or nothing: what is invalid changes nothing. */
export class ActiveBundle {
  #bundle: Bundle | undefined;

  constructor(
    private readonly directory: string,
    private readonly recordActivation: (bundle: Bundle) => Promise<void>,
  ) {}

  get current(): Bundle {
    if (!this.#bundle) throw new FlyballError('denied', 'not allowed: no policy bundle is loaded');
    return this.#bundle;
  }

  /** Loads, checks and records the bundle in the directory, then makes it active. Throws `bundle_invalid`; the last good one stays. */
  async load(): Promise<{ readonly digest: string; readonly changed: boolean; readonly warnings: readonly string[] }> {
    const next = loadBundle(this.directory);
    const last = this.#bundle;
    if (last?.digest === next.digest) {
      next.engine.close();
      return { digest: next.digest, changed: false, warnings: next.warnings };
    }
    await this.recordActivation(next);
    this.#bundle = next;
    last?.engine.close();
    return { digest: next.digest, changed: true, warnings: next.warnings };
  }
}
