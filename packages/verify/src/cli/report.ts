import type { Verdict } from '../verdict.js';
import type { ReceiptVerdict } from '../verify-receipt.js';
import { findingsTable, table } from './table.js';

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const time = (ms: number): string => new Date(ms).toISOString();
const said = (holds: boolean): string => (holds ? 'holds' : 'DOES NOT HOLD');

/** A verdict about a log for people: what was read, then both verdicts with what speaks against them. */
export function verdictText({ origin, size, root, newestMs, integrity, completeness, counts, keys }: Verdict): string {
  const { entries, streams, tiles, underWay, bodies, answers } = counts;
  const rows = [
    ['log', origin || 'unknown'],
    ['size', `${size}`],
    ['root', base64(root)],
    ['newest entry', entries === 0 ? 'none' : time(newestMs)],
    ['read', `${entries} entries in ${streams} streams, ${tiles} tiles`],
    ['under way', `${underWay.intents} intents, ${underWay.holds} holds, ${underWay.sessions} sessions, ${underWay.authorities} given for a time`],
    ['given', `${counts.earlier} earlier checkpoints, ${counts.receipts} receipts, ${counts.promises} promises (${counts.kept} kept, ${counts.pending} pending)`],
    ['bodies', `${bodies.matched} match, ${bodies.erased} erased`],
    ['signed answers', `${answers.signed}, of which ${answers.verified} were verified with their keys`],
    ...keys.map(({ key, status }) => [`${status} key`, key]),
  ];
  const judged = ([['integrity', integrity], ['completeness', completeness]] as const).map(([name, judgement]) => `\n${name}: ${said(judgement.holds)}\n${findingsTable(judgement)}`);
  return `${table(rows)}${judged.join('')}`;
}

/** A receipt's verdict for people. */
export function receiptText(file: string, { holds, findings, origin, size, index, entry, body, cosigned = [] }: ReceiptVerdict): string {
  const rows = [
    ['receipt', file],
    ...(entry && origin !== undefined ? [['log', origin], ['entry', `${entry.id}, ${entry.kind}, ${time(entry.at)}`], ['index', `${index ?? ''} of ${size ?? ''}`], ['body', body ?? ''], ['seen by', cosigned.map(({ name }) => name).join(', ') || 'no witness']] : []),
  ];
  return `${table(rows)}\nintegrity: ${said(holds)}\n${findingsTable({ findings, counts: {} })}`;
}

/** JSON of anything here: sizes as decimal text, hashes in base64. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? `${member}` : member instanceof Uint8Array ? base64(member) : member), 2)}\n`;
}
