const order = ['pass', 'fail', 'open'];

/** The rows as a table for reading, and what they add up to. */
export function table(rows) {
  const width = Math.max(...rows.map(({ id }) => id.length));
  const lines = rows.map(({ id, level, from, what, verdict, why }) => [`${id.padEnd(width)}  ${level.padEnd(6)}  ${from.padEnd(6)}  ${verdict.padEnd(4)}  ${what}`, ...(why === '' ? [] : [`${' '.repeat(width)}                        ${why}`])].join('\n'));
  return [`${'id'.padEnd(width)}  level   from    verdict`, ...lines, '', ...totals(rows)].join('\n');
}

function totals(rows) {
  const requirements = [...new Set(rows.map(requirementOf))];
  const line = (name, of) => `${name.padEnd(5)} ${order.map((verdict) => `${of.filter((row) => row.verdict === verdict).length} ${verdict}`).join(', ')}`;
  return [...requirements.map((name) => line(name, rows.filter((row) => requirementOf(row) === name))), line('all', rows), '', ...rows.filter(({ verdict }) => verdict === 'open').map(({ id, what, why }) => `open: ${id} ${what}: ${why}`)];
}

const requirementOf = ({ id }) => id.split('.')[0];
