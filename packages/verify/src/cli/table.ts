import type { Finding, FindingCode, Judgement, Place } from '../finding.js';

const cellMax = 300;

/** A text of others that is safe on a terminal: one line, nothing that moves the cursor or turns the direction of reading. */
export function plain(text: string): string {
  const visible = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (letter) => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`);
  return visible.length > cellMax ? `${visible.slice(0, cellMax)}…` : visible;
}

/** Rows in columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(plain));
  const widths = cells.reduce<readonly number[]>((most, row) => row.map((cell, at) => Math.max(cell.length, most[at] ?? 0)), []);
  return cells.map((row) => `  ${row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join('  ')}\n`).join('');
}

/** What is wrong, and where; how many more there are of each code. */
export function findingsTable({ findings, counts }: Pick<Judgement, 'findings' | 'counts'>): string {
  const listed = new Map<FindingCode, number>();
  for (const { code } of findings) listed.set(code, (listed.get(code) ?? 0) + 1);
  const more = [...listed].flatMap(([code, count]) => ((counts[code] ?? 0) > count ? [[code, '', `and ${(counts[code] ?? 0) - count} more`]] : []));
  return findings.length === 0 ? '' : table([['what', 'where', 'why'], ...findings.map(row), ...more]);
}

const row = ({ code, message, place }: Finding): readonly string[] => [code, placeText(place), message];

function placeText({ file, index, entry, stream }: Place): string {
  return [file, index === undefined ? undefined : `index ${index}`, entry, stream].filter((part) => part !== undefined).join(', ');
}
