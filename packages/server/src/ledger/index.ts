export { payloadDigest } from './bodies.js';
export type { Draft, Payload } from './draft.js';
export { Ledger } from './ledger.js';
export { Past } from './past.js';
export { type Fold, Projections } from './projections.js';
export { AttemptRecorder, type RecordTrouble } from './recorder.js';
export { Settler } from './settle.js';
export { Spool } from './spool.js';
export type { EntryRecord, EntryStore, ListQuery } from './store.js';
