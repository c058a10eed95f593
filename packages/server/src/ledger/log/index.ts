export { archive } from './archive.js';
export { exportLog } from './export.js';
export { activeKeysIn, foldKeys, type KeyHistory, loadKeys, LogKeys, signerOf } from './log-keys.js';
export { TransparencyLog } from './log.js';
export type { ArchivedBody, ArchiveStore, LogStore } from './log-store.js';
export { PublishedHead } from './published-head.js';
export { Sequencer } from './sequencer.js';
export { Witnesses } from './witnesses.js';
