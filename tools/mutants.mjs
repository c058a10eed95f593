// For each boundary and lint rule a file that breaks it, and only it. A rule that no mutant can break guards nothing.
const nouns = ['identity', 'session', 'policy', 'approval', 'credential', 'output', 'ledger'];
const server = 'packages/server/src';
const after = (noun) => nouns[(nouns.indexOf(noun) + 1) % nouns.length];

/** The innocent files that mutants import. */
export const scenery = {
  'package.json': '{ "private": true, "type": "module", "devDependencies": { "vitest": "*" } }\n',
  ...Object.fromEntries(nouns.flatMap((noun) => [[`${server}/${noun}/index.ts`, 'export const door = 1;\n'], [`${server}/${noun}/inside.ts`, 'export const inside = 1;\n']])),
  [`${server}/gateway/mcp/inside.ts`]: 'export const inside = 1;\n',
  [`${server}/store/inside.ts`]: 'export const inside = 1;\n',
  [`${server}/lib/nothing.ts`]: 'export const nothing = 1;\n',
  [`${server}/lib/some.test.ts`]: 'export const fixture = 1;\n',
  [`${server}/action/seal.ts`]: 'export class Grant {}\n',
  [`${server}/lib/cycle-b.ts`]: "import type { A } from './cycle-a.js';\nexport type B = A | 1;\n",
  'packages/protocol/src/inside.ts': 'export const inside = 1;\n',
  'packages/protocol/src/index.ts': 'export const words = 1;\n',
};

export const boundaryMutants = {
  'no-cycles': [`${server}/lib/cycle-a.ts`, "import type { B } from './cycle-b.js';\nexport type A = B;\n"],
  'foundation-imports-nothing': ['packages/tlog/src/reads-files.ts', "export { readFileSync } from 'node:fs';\n"],
  'verify-shares-no-code': ['packages/verify/src/asks-the-writer.ts', "export { words } from '../../protocol/src/index.js';\n"],
  'nobody-imports-the-server': ['packages/protocol/src/asks-the-server.ts', "export { nothing } from '../../server/src/lib/nothing.js';\n"],
  'packages-by-their-exports': [`${server}/action/reaches-in.ts`, "export { inside } from '../../../protocol/src/inside.js';\n"],
  'lib-knows-no-domain': [`${server}/lib/knows-sessions.ts`, "export { door } from '../session/index.js';\n"],
  'action-knows-no-stage': [`${server}/action/knows-policy.ts`, "export { door } from '../policy/index.js';\n"],
  'grants-come-from-approval': [`${server}/gateway/mcp/forges-a-grant.ts`, "export { Grant } from '../../action/seal.js';\n"],
  'store-knows-no-noun': [`${server}/store/knows-sessions.ts`, "export { door } from '../session/index.js';\n"],
  'gateways-decide-nothing': [`${server}/gateway/mcp/decides.ts`, "export { door } from '../../policy/index.js';\n"],
  'api-comes-by-the-doors': [`${server}/api/opens-the-store.ts`, "export { inside } from '../store/inside.js';\n"],
  'configuration-asks-for-configuration': [`${server}/config.ts`, "export { door } from './session/index.js';\n"],
  'only-wiring-opens-the-store': [`${server}/gateway/mcp/writes-rows.ts`, "export { inside } from '../../store/inside.js';\n"],
  'network-in-its-places': [`${server}/identity/calls-out.ts`, "export { request } from 'node:http';\n"],
  'files-in-their-places': [`${server}/session/reads-files.ts`, "export { readFileSync } from 'node:fs';\n"],
  'tests-stay-tests': [`${server}/lib/uses-a-test.ts`, "export { fixture } from './some.test.js';\n"],
  'development-libraries-stay-outside': [`${server}/lib/uses-vitest.ts`, "export { expect } from 'vitest';\n"],
  'door-of-gateway-mcp': [`${server}/api/around-the-door-of-mcp.ts`, "export { inside } from '../gateway/mcp/inside.js';\n"],
  ...Object.fromEntries(
    nouns.flatMap((noun) => [
      [`noun-${noun}-stands-alone`, [`${server}/${noun}/knows-another.ts`, `export { door } from '../${after(noun)}/index.js';\n`]],
      [`door-of-${noun}`, [`${server}/api/around-the-door-of-${noun}.ts`, `export { inside } from '../${noun}/inside.js';\n`]],
    ]),
  ),
};

export const lintMutants = {
  '@typescript-eslint/no-floating-promises': [`${server}/api/forgets-to-wait.ts`, 'const later = async (): Promise<number> => 1;\nexport function forgets(): void {\n  later();\n}\n'],
  '@typescript-eslint/no-misused-promises': [`${server}/api/misuses.ts`, 'const later = async (): Promise<boolean> => true;\nexport const forgets = (): number => (later() ? 1 : 2);\n'],
  '@typescript-eslint/no-explicit-any': [`${server}/api/any.ts`, 'export const anything: any = 1;\n'],
  '@typescript-eslint/no-non-null-assertion': [`${server}/api/surely.ts`, 'export const first = (values: readonly string[]): string => values[0]!;\n'],
  '@typescript-eslint/switch-exhaustiveness-check': [`${server}/api/forgets-a-case.ts`, "export function name(kind: 'a' | 'b'): string {\n  switch (kind) {\n    case 'a':\n      return 'a';\n  }\n  return '';\n}\n"],
  'no-restricted-properties': [`${server}/session/looks-at-the-clock.ts`, 'export const now = (): number => Date.now();\n'],
  'no-restricted-globals': [`${server}/identity/fetches.ts`, 'export const ask = (url: string): Promise<Response> => fetch(url);\n'],
  'no-restricted-imports': [`${server}/approval/throws-dice.ts`, "import { randomBytes } from 'node:crypto';\nexport const dice = (): Buffer => randomBytes(1);\n"],
  'no-restricted-syntax': [`${server}/policy/new-date.ts`, 'export const today = (): Date => new Date();\n'],
  'max-lines': [`${server}/api/long-file.ts`, Array.from({ length: 301 }, (_, line) => `export const line${line} = ${line};\n`).join('')],
  'max-lines-per-function': [`${server}/api/long-function.ts`, `export function long(): number {\n  let sum = 0;\n${'  sum += 1;\n'.repeat(50)}  return sum;\n}\n`],
};
