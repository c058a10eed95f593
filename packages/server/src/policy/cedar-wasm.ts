import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';

const require = createRequire(import.meta.url);
const modulePath = '@cedar-policy/cedar-wasm/nodejs';

/** Cedar's own parser and validator, as WebAssembly. Loaded when first needed: it takes 30 ms and 4 MB. */
export const cedar = (): typeof Cedar => require(modulePath) as typeof Cedar;

/** True for what the module throws when a stack overflowed: from then on it answers nothing, so a fresh one is loaded. */
export function isOverflow(error: unknown): boolean {
  const overflow = error instanceof RangeError || (error instanceof Error && error.name === 'RuntimeError');
  if (overflow) reloadCedar();
  return overflow;
}

/** A fresh module takes 10 ms. */
function reloadCedar(): void {
  delete require.cache[require.resolve(modulePath)];
}

export interface CompiledPolicy {
  readonly id: string;
  readonly text: string;
  /** Integers beyond 2^53 as bigints. */
  readonly json: PolicyJson;
}
