export { foldPasskeys, type Passkey, type PasskeysState } from './fold.js';
export { type PasskeyRecord, Passkeys, type SignatureEvidence } from './passkeys.js';
export { challengeOf, type Statement } from './statement.js';
