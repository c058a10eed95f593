import { TlogError, type TlogErrorCode } from '@flyball/tlog';
import type { FindingCode } from '../finding.js';

/** Why something that was given proves nothing. */
export interface Fault {
  readonly code: FindingCode;
  readonly message: string;
}

export const isFault = (value: object): value is Fault => 'code' in value && 'message' in value;

const codes: Readonly<Partial<Record<TlogErrorCode, FindingCode>>> = {
  bad_signature: 'signature_invalid',
  unknown_key: 'checkpoint_untrusted',
  wrong_origin: 'wrong_origin',
  // Two keys of one name and id: which one signed cannot be told.
  conflict: 'checkpoint_untrusted',
};

/** What a reader makes, or what it found wrong; `usual` where the error says no more. */
export function attempt<T extends object>(usual: FindingCode, read: () => T): T | Fault {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    return { code: codes[error.code] ?? usual, message: error.message };
  }
}
