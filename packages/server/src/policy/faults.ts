import { FlyballError } from '@flyball/protocol';

/** One thing wrong with a bundle, where it stands and what was expected. */
export interface Fault {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

const shownMost = 50;

export function formatFault({ file, line, column, message }: Fault): string {
  const place = line === undefined ? file : `${file}:${line}${column === undefined ? '' : `:${column}`}`;
  return `${place}: ${message}`;
}

export function bundleInvalid(faults: readonly Fault[]): FlyballError {
  const shown = faults.slice(0, shownMost).map(formatFault);
  const more = faults.length > shownMost ? [`… and ${faults.length - shownMost} more`] : [];
  return new FlyballError('bundle_invalid', [`the bundle has ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}; nothing was changed`, ...shown, ...more].join('\n'));
}
