export type { Flip } from './flips.js';
export type { Progress } from './read-decisions.js';
export type { RecordSource, Row, Rules } from './record.js';
export { type CandidateReport, replayCandidate } from './replay-candidate.js';
export { type Difference, verifyRecord, type VerifyReport } from './verify.js';
