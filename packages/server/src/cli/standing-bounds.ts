import { FlyballError, type StandingBounds } from '@flyball/protocol';
import { durationOf } from '../lib/duration.js';

const names = ['count', 'within', 'sum'];
const example = '`--standing count=10,within=7d`, with `,sum=amount:1000` where the rule adds up';

/** The bounds of `--standing`. Nothing that is needed is taken for granted: what is left out would be wider than what was meant. Throws `usage`. */
export function standingOf(text: string): StandingBounds {
  const terms = termsOf(text);
  const count = needed(terms, 'count');
  if (!/^[1-9]\d{0,8}$/.test(count)) throw wrong('`count` expects a whole number from 1');
  const withinMs = durationOf(needed(terms, 'within'));
  if (withinMs === undefined || withinMs === 0) throw wrong('`within` expects a time such as 30m or 7d');
  return { count: Number(count), withinMs, ...sumOf(terms.get('sum')) };
}

function termsOf(text: string): ReadonlyMap<string, string> {
  const terms = new Map<string, string>();
  for (const part of text.split(',').map((word) => word.trim())) {
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/.exec(part) ?? [];
    if (!names.includes(name)) throw wrong(`\`${part}\` is none of \`count=…\`, \`within=…\` and \`sum=…\``);
    if (terms.has(name)) throw wrong(`\`${name}\` is there twice`);
    terms.set(name, value);
  }
  return terms;
}

function needed(terms: ReadonlyMap<string, string>, name: string): string {
  const value = terms.get(name);
  if (value === undefined) throw wrong(`\`${name}\` is missing`);
  return value;
}

function sumOf(text: string | undefined): Pick<StandingBounds, 'sum'> {
  if (text === undefined) return {};
  const [, argument, most] = /^([^:]+):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (argument === undefined) throw wrong('`sum` expects an argument and a number, such as amount:1000');
  return { sum: { argument, most: Number(most) } };
}

const wrong = (what: string) => new FlyballError('usage', `${what}; expected ${example}`);
