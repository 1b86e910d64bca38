import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';

// The stages of an event's way. They never import each other: activities/ joins them.
const stages = ['sources', 'bus', 'matching', 'triggers'];
const stageZones = stages.map((stage) => ({
  target: `./src/${stage}`,
  from: stages.filter((other) => other !== stage).map((other) => `./src/${other}`),
  message: 'Stages do not know each other; join them in activities/.',
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
          zones: [
            ...stageZones,
            { target: './src', from: ['./workers', './dev', './test', './bench'] },
            { target: './workflows', from: ['./workers', './dev', './test', './bench'] },
            { target: './activities', from: ['./workers', './dev', './test', './bench'] },
            { target: './workers', from: ['./dev', './test', './bench'] },
            { target: './dev', from: ['./test', './bench'] },
          ],
        },
      ],
    },
  },
  {
    // Code that runs inside the workflow sandbox: no Node, no clients, no validator; types may come from anywhere.
    files: [
      'workflows/**/*.ts',
      'src/contract/**/*.ts',
      'src/errors/**/*.ts',
      'src/event/**/*.ts',
      'src/kinds/**/*.ts',
      'src/records/**/*.ts',
      'src/sandbox/**/*.ts',
      'src/text/**/*.ts',
    ],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                'node:*',
                'zod',
                'ioredis',
                '@nats-io/*',
                '@kubernetes/*',
                'pino',
                '@temporalio/client',
                '@temporalio/worker',
                '@temporalio/activity',
              ],
              allowTypeImports: true,
              message: 'This code must run in the workflow sandbox.',
            },
          ],
        },
      ],
    },
  },
  // A suite tells one story; it may be longer than a module.
  { files: ['test/**'], rules: { 'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }] } },
  { files: ['src/cli/**', 'dev/**', 'bench/**'], rules: { 'no-console': 'off' } },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['jest.config.js', 'jest.quick.config.js'],
    languageOptions: { globals: { module: 'writable', require: 'readonly', __dirname: 'readonly' } },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
