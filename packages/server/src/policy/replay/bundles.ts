import type { Bundle } from '../bundle.js';
import { CedarMemory } from '../cedar-memory.js';
import { compileBundle } from '../load-bundle.js';
import type { RecordSource } from './record.js';

const compiledMost = 8;

/** Bundles by digest, compiled from their files in the record. Nothing for one that is not there or is valid no longer. */
export class Bundles {
  readonly #compiled = new Map<string, Bundle | undefined>();
  readonly #memory = new CedarMemory();

  constructor(
    private readonly source: Pick<RecordSource, 'bundleFiles'>,
    private readonly loading: (digest: string) => void = () => undefined,
  ) {}

  /** Whether it is known, without asking the record. */
  has(digest: string): boolean {
    return this.#compiled.has(digest);
  }

  peek(digest: string): Bundle | undefined {
    return this.#compiled.get(digest);
  }

  async load(digest: string): Promise<Bundle | undefined> {
    if (this.#compiled.has(digest)) return this.#compiled.get(digest);
    this.loading(digest);
    const bundle = await this.#compile(digest);
    const [oldest] = this.#compiled.keys();
    if (oldest !== undefined && this.#compiled.size >= compiledMost) {
      this.#compiled.get(oldest)?.engine.close();
      this.#compiled.delete(oldest);
    }
    this.#compiled.set(digest, bundle);
    return bundle;
  }

  async #compile(digest: string): Promise<Bundle | undefined> {
    const files = await this.source.bundleFiles(digest);
    if (!files) return undefined;
    try {
      const bundle = compileBundle(files, this.#memory);
      // Files that are others than the digest says are another bundle's.
      return bundle.digest === digest ? bundle : undefined;
    } catch {
      return undefined;
    }
  }
}
