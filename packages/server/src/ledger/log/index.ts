export { archive, archiveStream } from './archive.js';
export { type ExportedLog, exportLog, filesOf } from './export.js';
export { foldKeys, keyStream, type KeyHistory, loadKeys, LogKeys, type LogSigner, signerOf } from './log-keys.js';
export { TransparencyLog } from './log.js';
export type { ArchivedBody, ArchiveStore, Cosigned, Extension, FileStore, LogHead, LogStore, Unsequenced } from './log-store.js';
export { PublishedHead } from './published-head.js';
export { Sequencer } from './sequencer.js';
export { Witnesses } from './witnesses.js';
