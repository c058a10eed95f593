import { isObject, type Json, type JsonObject } from '@flyball/protocol';
import { limits } from '../../lib/limits.js';
import { parseStrictJson } from '../../lib/strict-json.js';
import { readArchive } from './archive.js';
import { inTime } from './time-limit.js';
import { type Evaluator, instantiate } from './wasm-instance.js';
import { type Module, webAssembly } from './web-assembly.js';

export const entrypoint = 'flyball/decision';

/** Rego that was compiled with `opa build -t wasm -e flyball/decision`. Pure: the same input, the same answer. */
export class OpaWasm {
  #evaluator: Evaluator | undefined;

  private constructor(
    private readonly module: Module,
    private readonly data: Json,
  ) {}

  /** Reads the archive that OPA wrote and tries it out. Throws an `Error` that says what was expected. */
  static load(archive: Uint8Array): OpaWasm {
    const { wasm, data } = readArchive(archive);
    if (wasm.byteLength > limits.regoWasmBytesMax) throw new Error(`expected a policy.wasm of at most ${limits.regoWasmBytesMax} bytes`);
    const loaded = new OpaWasm(new webAssembly.Module(Uint8Array.from(wasm)), data === undefined ? {} : parseStrictJson(data, limits.regoUnpackedBytesMax));
    if (!Object.hasOwn(loaded.#ready().entrypoints, entrypoint)) throw new Error(`expected the entrypoint \`${entrypoint}\`: \`opa build -t wasm -e ${entrypoint}\``);
    return loaded;
  }

  /** What the rule returns for each input, `undefined` where it is not defined. All of them have one time limit. Throws when there is no answer. */
  answers(inputs: readonly JsonObject[]): readonly unknown[] {
    const evaluator = this.#ready();
    // Kept only by whoever came to an end: what was interrupted or aborted may be in any state.
    this.#evaluator = undefined;
    const answers = inTime(limits.regoEvaluationMs, () => inputs.map((input) => resultOf(evaluator.evaluate(input, entrypoint))));
    this.#evaluator = evaluator;
    return answers;
  }

  #ready(): Evaluator {
    return (this.#evaluator ??= inTime(limits.regoLoadMs, () => instantiate(this.module, this.data)));
  }
}

/** The one result in OPA's result set; the set is empty where the rule is not defined. */
function resultOf(set: unknown): unknown {
  if (!Array.isArray(set) || set.length > 1) throw new Error('expected one result');
  const [first] = set as readonly unknown[];
  if (first === undefined) return undefined;
  if (!isObject(first) || !Object.hasOwn(first, 'result')) throw new Error('expected one result');
  return first['result'];
}
