import { VerifyError } from '../verify-error.js';

/** Where the files of a log come from. Nothing that it answers is believed. */
export interface LogSource {
  /** What people call it: a folder or an address. */
  readonly name: string;
  /** The bytes of a file below the log's prefix, as `tile/0/000`. Throws `unavailable` for no answer, and for one beyond the bound. */
  read(path: string, bytesMax: number): Promise<Uint8Array>;
}

/** Largest files that are read, in bytes. */
export const checkpointBytesMax = 1 << 20;
export const tileBytesMax = 256 * 32;
/** 256 entries of 65,535 bytes, each behind its length. */
export const bundleBytesMax = 256 * (2 + 65_535);

export const unavailable = (path: string, why: string, cause?: unknown): VerifyError => new VerifyError('unavailable', `expected ${path}: ${why}`, { cause });
