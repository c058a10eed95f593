import tseslint from 'typescript-eslint';

/** Time, randomness, environment and network come in through interfaces; these are the places that provide them. */
const edges = ['packages/server/src/lib/**', 'packages/server/src/cli/**', 'packages/server/src/main.ts'];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.cache/**', 'test/boundaries/mutants/**', '**/*.cjs', 'test/conformance/**'] },
  {
    files: ['packages/**/*.ts', 'test/**/*.ts'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { project: ['tsconfig.tests.json'], tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unsafe-assignment': 'error',
      '@typescript-eslint/no-unsafe-call': 'error',
      '@typescript-eslint/no-unsafe-member-access': 'error',
      '@typescript-eslint/no-unsafe-return': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      'no-restricted-syntax': ['error', { selector: 'TSEnumDeclaration', message: 'use a union of literals' }, { selector: 'TSModuleDeclaration', message: 'use a module' }, { selector: 'ExportDefaultDeclaration', message: 'use a named export' }],
      'prefer-const': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['packages/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['packages/**/*.ts'],
    ignores: [...edges, '**/*.test.ts'],
    rules: {
      'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: 'time comes from the clock' }, { object: 'performance', property: 'now', message: 'time comes from the clock' }, { object: 'Math', property: 'random', message: 'randomness comes from lib/ids' }, { object: 'process', property: 'env', message: 'the environment comes in at the edge' }],
      'no-restricted-globals': ['error', { name: 'fetch', message: 'use lib/safe-fetch or an upstream' }],
      'no-restricted-imports': ['error', { paths: [{ name: 'node:crypto', importNames: ['randomBytes', 'randomUUID', 'randomInt'], message: 'randomness comes from lib/ids' }] }],
      'no-restricted-syntax': ['error', { selector: 'TSEnumDeclaration', message: 'use a union of literals' }, { selector: 'TSModuleDeclaration', message: 'use a module' }, { selector: 'ExportDefaultDeclaration', message: 'use a named export' }, { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: 'time comes from the clock' }],
    },
  },
  // A package without types of its own is described from outside.
  { files: ['**/*.d.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
