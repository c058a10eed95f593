import { FlyballError } from '@flyball/protocol';
import type { Bundle } from './bundle.js';
import { CedarMemory } from './cedar-memory.js';
import { CedarWasmEngine } from './cedar-wasm-engine.js';
import { type Check, CheckedEngine } from './checked-engine.js';
import { loadBundle } from './load-bundle.js';

export interface Loaded {
  readonly digest: string;
  readonly changed: boolean;
  readonly warnings: readonly string[];
}

/** The bundle that decisions are made with. A reload is all or nothing: what is invalid changes nothing. */
export class ActiveBundle {
  #bundle: Bundle | undefined;
  #last: Promise<unknown> = Promise.resolve();
  readonly #memory = new CedarMemory();

  constructor(
    private readonly directory: string,
    private readonly recordActivation: (bundle: Bundle) => Promise<void>,
    private readonly check?: Check | undefined,
    /** What else is to be said of a bundle that is valid. */
    private readonly alsoWarn: (bundle: Bundle) => readonly string[] = () => [],
  ) {}

  get current(): Bundle {
    if (!this.#bundle) throw new FlyballError('denied', 'not allowed: no policy bundle is loaded');
    return this.#bundle;
  }

  /** Loads, checks and records the bundle in the directory, then makes it active. Throws `bundle_invalid`; the last good one stays. */
  load(): Promise<Loaded> {
    // One after the other: the directory is read when its turn has come, so the last one to be asked for is the one that stays.
    const loading = this.#last.then(() => this.#load());
    this.#last = loading.catch(() => undefined);
    return loading;
  }

  async #load(): Promise<Loaded> {
    const next = this.#checked(loadBundle(this.directory, this.#memory));
    const last = this.#bundle;
    const warnings = [...next.warnings, ...this.alsoWarn(next)];
    if (last?.digest === next.digest) {
      next.engine.close();
      return { digest: next.digest, changed: false, warnings };
    }
    await this.recordActivation(next);
    this.#bundle = next;
    last?.engine.close();
    return { digest: next.digest, changed: true, warnings };
  }

  #checked(bundle: Bundle): Bundle {
    if (!this.check) return bundle;
    return { ...bundle, engine: new CheckedEngine(bundle.engine, new CedarWasmEngine(bundle.policies, bundle.actionGroups), this.check) };
  }
}
