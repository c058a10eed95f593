import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** `cut`: half of it is written, then the disk is full. `short`: the system takes one byte at a time, which is no error. */
export type FileFault = 'EIO' | 'ENOSPC' | 'cut' | 'short';

const real = { ...fs };
const watched = ['mkdirSync', 'readFileSync', 'writeFileSync', 'openSync', 'writeSync', 'fsyncSync', 'closeSync', 'renameSync'] as const;
type Watched = (typeof watched)[number];
type Loose = (...args: unknown[]) => unknown;

const failure = (code: string, name: string) => Object.assign(new Error(`${code}: ${name}`), { code });

/** The real file functions of this process, of which the nth that concerns a folder goes wrong. */
export class FaultyFiles {
  /** What was done in the folder since the count began. */
  readonly done: Watched[] = [];
  readonly #descriptors = new Set<unknown>();
  #at = -1;
  #within = false;
  #fault: FileFault = 'EIO';

  constructor(private readonly folder: string) {
    for (const name of watched) (fs as unknown as Record<string, Loose>)[name] = (...args) => this.#call(name, args);
    syncBuiltinESMExports();
  }

  /** Counts anew; the operation with this number goes wrong, once. */
  failAt(index: number, fault: FileFault): void {
    this.done.length = 0;
    this.#at = index;
    this.#fault = fault;
  }

  /** Counts anew; nothing goes wrong. */
  heal(): void {
    this.failAt(-1, 'EIO');
  }

  restore(): void {
    for (const name of watched) (fs as unknown as Record<string, unknown>)[name] = real[name];
    syncBuiltinESMExports();
  }

  #call(name: Watched, args: unknown[]): unknown {
    const act = real[name] as Loose;
    const [place] = args;
    // What one function does by others, which differs from one Node to the next, is one operation.
    if (this.#within || (typeof place === 'string' ? !place.startsWith(this.folder) : !this.#descriptors.has(place))) return act(...args);
    const fails = this.done.push(name) - 1 === this.#at;
    if (fails && this.#fault !== 'short') this.#fail(name, args);
    this.#within = true;
    let result: unknown;
    try {
      result = fails && name === 'writeSync' ? act(place, (args[1] as Uint8Array).subarray(Number(args[2] ?? 0), Number(args[2] ?? 0) + 1)) : act(...args);
    } finally {
      this.#within = false;
    }
    if (name === 'openSync') this.#descriptors.add(result);
    if (name === 'closeSync') this.#descriptors.delete(place);
    return result;
  }

  #fail(name: Watched, args: unknown[]): never {
    this.#within = true;
    if (this.#fault === 'cut' && name === 'writeFileSync') real.writeFileSync(args[0] as string, String(args[1]).slice(0, 30));
    if (this.#fault === 'cut' && name === 'writeSync') real.writeSync(args[0] as number, (args[1] as Uint8Array).subarray(0, 5));
    // What cannot be closed is closed all the same.
    if (name === 'closeSync') real.closeSync(args[0] as number);
    this.#within = false;
    throw failure(this.#fault === 'cut' ? 'ENOSPC' : this.#fault, name);
  }
}
