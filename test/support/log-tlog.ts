export { emptyRoot, formatVerifierKey, keyIdOf, openCheckpoint, parseVerifierKey, type PostAnswer, TlogError, verifyConsistency, cosignedMessage } from '@flyball/tlog';
export { parseHash } from '../../packages/tlog/src/checkpoint.js';
