import type { JsonObject } from '@flyball/protocol';

/** Where operators are told what goes on. */
export type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: JsonObject) => void;
