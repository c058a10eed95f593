import { type FindingCode, type LogToVerify, type Verdict, verifyLog } from '../src/index.js';
import { logKey } from './keys.js';
import { type LogFiles, memory } from './log-files.js';

export const firstTrust = { keys: [logKey('first').vkey] };

/** The verdict on files in memory, by who trusts the first key. */
export const judge = (files: LogFiles, more: Partial<LogToVerify> = {}): Promise<Verdict> => verifyLog({ source: memory(files), trust: firstTrust, ...more });

/** Codes of everything that was found, each once. */
export const codesOf = ({ integrity, completeness }: Verdict): readonly FindingCode[] => [...new Set([...integrity.findings, ...completeness.findings].map(({ code }) => code))];

export const holds = ({ integrity, completeness }: Verdict): boolean => integrity.holds && completeness.holds;

export const given = (name: string, content: string): { readonly name: string; readonly content: string } => ({ name, content });
