import { parseArgs } from 'node:util';
import { VerifyError } from '../verify-error.js';

export interface Options {
  readonly positionals: readonly string[];
  readonly keys: readonly string[];
  readonly witnesses: readonly string[];
  readonly quorum: number | undefined;
  readonly policy: string | undefined;
  readonly since: readonly string[];
  readonly receipts: readonly string[];
  readonly promises: readonly string[];
  readonly bodies: string | undefined;
  readonly token: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

const many = { type: 'string', multiple: true } as const;
const one = { type: 'string' } as const;
const known = { key: many, witness: many, quorum: one, policy: one, since: many, receipts: many, promises: many, bodies: one, token: one, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
/** Options that take all that follows, as a shell's `*` gives it. */
const lists = ['--since', '--receipts', '--promises'];

/** The arguments as they were meant. Throws `usage` for what is not known. */
export function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = parsed(spread(argv));
  const { key = [], witness = [], quorum, policy, since = [], receipts = [], promises = [], bodies, token, json = false, help = false } = values;
  return { positionals, keys: key, witnesses: witness, quorum: quorum === undefined ? undefined : quorumOf(quorum), policy, since, receipts, promises, bodies, token, json, help };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: known, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new VerifyError('usage', cause instanceof Error ? cause.message : 'expected other options', { cause });
  }
}

/** `--since a b` as `--since a --since b`. */
function spread(argv: readonly string[]): readonly string[] {
  let list: string | undefined;
  return argv.flatMap((arg, at) => {
    if (arg.startsWith('-')) {
      list = lists.includes(arg) ? arg : undefined;
      return [arg];
    }
    return list === undefined || argv[at - 1] === list ? [arg] : [list, arg];
  });
}

function quorumOf(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new VerifyError('usage', `expected a number of witnesses after --quorum, got \`${text}\``);
  return Number(text);
}
