export { explain, type Explanation } from './explain.js';
export { ActiveBundle } from './active-bundle.js';
export type { Bundle } from './bundle.js';
export type { Check } from './checked-engine.js';
export { formatFault } from './faults.js';
export { compileBundle, loadBundle } from './load-bundle.js';
export { toolDigest } from './load-documents.js';
export { evaluate, Policy } from './policy.js';
export { readBundleFiles } from './read-files.js';
