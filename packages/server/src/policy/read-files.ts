import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import { limits } from '../lib/limits.js';
import { bundleInvalid } from './faults.js';
import { regoFile } from './rego/load-rego.js';

const wanted = /^(policies\/.+\.cedar|tools\/[^/]+\.json|catalogue\.yaml|entities\.(?:yaml|json)|evidence\.yaml|identities\.yaml|people\.yaml|rego\/bundle\.tar\.gz)$/;
const filesMost = 20_000;

/**
 * Every file of a bundle directory by its path in it, links followed; compiled Rego in base64. What looks as if it was meant to count
 * and is named otherwise is a fault: a misspelt guard guards nothing. Throws `bundle_invalid`.
 */
export function readBundleFiles(directory: string): Readonly<Record<string, string>> {
  const paths = listFiles(directory, '');
  const strays = paths.filter((path) => !wanted.test(path) && (/\.(cedar|rego|wasm|t?gz|ya?ml|json)\b/i.test(path) || /^(policies|rego)\//i.test(path)) && !/\.md$|^tools\/.+\//i.test(path));
  if (strays.length > 0) throw bundleInvalid(strays.map((file) => ({ file, message: 'expected policies/*.cedar, rego/bundle.tar.gz, tools/*.json, catalogue.yaml, entities.yaml, evidence.yaml, identities.yaml or people.yaml' })));
  let bytes = 0;
  const files = paths.filter((path) => wanted.test(path)).sort().map((path) => {
    bytes += statSync(join(directory, path)).size;
    if (bytes > limits.bundleBytesMax) throw new FlyballError('bundle_invalid', `expected a bundle of at most ${limits.bundleBytesMax} bytes in \`${directory}\``);
    return [path, path === regoFile ? readFileSync(join(directory, path), 'base64') : readFileSync(join(directory, path), 'utf8').replace(/^\uFEFF/, '')] as const;
  });
  return Object.fromEntries(files);
}

/** Paths of files, hidden ones aside: mounted volumes keep their versions in hidden folders. */
function listFiles(directory: string, prefix: string): readonly string[] {
  try {
    const names = readdirSync(join(directory, prefix)).filter((name) => !name.startsWith('.'));
    const paths = names.flatMap((name) => {
      const path = prefix === '' ? name : `${prefix}/${name}`;
      return statSync(join(directory, path)).isDirectory() ? listFiles(directory, path) : [path];
    });
    if (paths.length > filesMost) throw new Error('too many files');
    return paths;
  } catch (cause) {
    if (cause instanceof FlyballError) throw cause;
    throw new FlyballError('bundle_invalid', `expected a bundle directory at \`${directory}\` whose files can be read; \`flyball init\` makes one`, { cause });
  }
}
