import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import { limits } from '../lib/limits.js';

const wanted = /^(policies\/.+\.cedar|tools\/[^/]+\.json|catalogue\.yaml|identities\.yaml|people\.yaml)$/;

/** Every file of a bundle directory by its path in it. Throws `bundle_invalid` when there is no such directory or it is too large. */
export function readBundleFiles(directory: string): Readonly<Record<string, string>> {
  const paths = listFiles(directory).map((path) => relative(directory, path).split(sep).join('/')).filter((path) => wanted.test(path)).sort();
  let bytes = 0;
  const files = paths.map((path) => {
    bytes += statSync(join(directory, path)).size;
    if (bytes > limits.bundleBytesMax) throw new FlyballError('bundle_invalid', `expected a bundle of at most ${limits.bundleBytesMax} bytes in \`${directory}\``);
    return [path, readFileSync(join(directory, path), 'utf8').replace(/^\uFEFF/, '')] as const;
  });
  return Object.fromEntries(files);
}

function listFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  } catch (cause) {
    throw new FlyballError('bundle_invalid', `expected a bundle directory at \`${directory}\`; \`flyball init\` makes one`, { cause });
  }
}
