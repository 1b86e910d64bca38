import { readFileSync } from 'node:fs';
import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';

// Which folder may import which: allow lists, bottom up. docs/architecture.md says what each one holds.
const rooms = JSON.parse(readFileSync(`${import.meta.dirname}/rooms.json`, 'utf8'));

/** The files of a room; one that has rooms inside is its own files alone. */
const filesOf = (room) =>
  Object.keys(rooms).some((other) => other.startsWith(`${room}/`)) ? `${room}/*.ts` : `${room}/**/*.ts`;

const zones = Object.entries(rooms).map(([room, { imports, types = [] }]) => ({
  target: `./${filesOf(room)}`,
  from: './!(node_modules)/**/*',
  // Patterns are compared with whole paths.
  except: [room, ...imports, ...types].map((allowed) => `${import.meta.dirname}/${filesOf(allowed)}`),
  message: `rooms.json does not let ${room} import this; see the table of folders in docs/architecture.md.`,
}));

/** Rooms whose code workflows may run: packages by an allow list too, and from other rooms nothing but types. */
const sandboxRules = Object.entries(rooms)
  .filter(([, { sandbox }]) => sandbox)
  .map(([room, { types = [], packages }]) => ({
    files: [filesOf(room)],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(?!\\.${packages.map((name) => `|${name}$`).join('')})`,
              message: `This code runs in the workflow sandbox: rooms.json gives ${room} no such package.`,
            },
            ...types.map((other) => ({
              regex: `^(\\.\\./)+${other.replace('src/', '(src/)?')}/`,
              allowTypeImports: true,
              message: `This code runs in the workflow sandbox: only types may come from ${other}.`,
            })),
          ],
        },
      ],
    },
  }));

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', 'expressions/'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver': { node: { extensions: ['.ts', '.js'] } } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      eqeqeq: 'error',
      'no-console': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [...zones, { target: './dev', from: ['./test', './bench'] }],
        },
      ],
    },
  },
  ...sandboxRules,
  // A suite tells one story; it may be longer than a module.
  { files: ['test/**'], rules: { 'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }] } },
  { files: ['src/cli/**', 'dev/**', 'bench/**'], rules: { 'no-console': 'off' } },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['jest.config.js', 'jest.quick.config.js', 'jest.image.config.js'],
    languageOptions: { globals: { module: 'writable', require: 'readonly', __dirname: 'readonly' } },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
