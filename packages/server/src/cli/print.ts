/** Rows as a table for people: columns as wide as they need, cut to the given width. */
export function table(rows: readonly Readonly<Record<string, unknown>>[], columns: readonly string[], cellMost = 60): string {
  if (rows.length === 0) return 'nothing to show';
  const cells = rows.map((row) => columns.map((column) => cell(row[column], cellMost)));
  const widths = columns.map((column, index) => Math.max(column.length, ...cells.map((line) => (line[index] ?? '').length)));
  const line = (values: readonly string[]) => values.map((value, index) => value.padEnd(widths[index] ?? 0)).join('  ').trimEnd();
  return [line(columns.map((column) => column.toUpperCase())), ...cells.map(line)].join('\n');
}

function cell(value: unknown, most: number): string {
  const text = printable(Array.isArray(value) ? value.join(', ') : typeof value === 'object' && value !== null ? Object.entries(value).map(([key, amount]) => `${key}=${String(amount)}`).join(', ') : String(value ?? ''));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Text from a stranger without anything that moves a cursor, hides or turns around. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => (char === '\n' ? ' ' : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`));
