import type { Fault } from '../faults.js';
import { OpaWasm } from './opa-wasm.js';

export const regoFile = 'rego/bundle.tar.gz';

/** Loads a bundle's compiled Rego, if it has any; `files` holds its bytes in base64. What is wrong is added to `faults`. */
export function loadRego(files: Readonly<Record<string, string>>, faults: Fault[]): OpaWasm | undefined {
  const archive = files[regoFile];
  if (archive === undefined) return undefined;
  try {
    return OpaWasm.load(Buffer.from(archive, 'base64'));
  } catch (error) {
    faults.push({ file: regoFile, message: error instanceof Error ? error.message : `expected a module that can be made ready (${String(error).slice(0, 200)})` });
    return undefined;
  }
}
