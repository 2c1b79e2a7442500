const shared = {
  testEnvironment: 'node',
  roots: ['<rootDir>/spec'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  restoreMocks: true,
  setupFiles: ['<rootDir>/spec/support/native-errors.ts'],
  globalTeardown: '<rootDir>/spec/support/global-teardown.ts',
};

const withoutConsul = ['unit', 'package'];

export default {
  projects: [
    {
      ...shared,
      displayName: 'fast',
      testMatch: [
        ...withoutConsul.map((folder) => `<rootDir>/spec/${folder}/**/*.spec.ts`),
        '<rootDir>/spec/**/*.fake.spec.ts',
      ],
    },
    {
      ...shared,
      displayName: 'properties',
      testMatch: ['<rootDir>/spec/properties/**/*.spec.ts'],
    },
    {
      ...shared,
      displayName: 'consul',
      testMatch: ['<rootDir>/spec/**/*.spec.ts'],
      testPathIgnorePatterns: [
        ...[...withoutConsul, 'properties'].map((folder) => `<rootDir>/spec/${folder}/`),
        '\\.fake\\.spec\\.ts$',
      ],
      globalSetup: '<rootDir>/spec/support/global-setup.ts',
    },
  ],
  testSequencer: '<rootDir>/spec/support/properties-first.js',
  collectCoverageFrom: ['lib/**/*.ts'],
  coverageProvider: 'babel',
  coverageReporters: ['text', 'lcov'],
  // Elsewhere fewer specs may run: those that need agents of ours are skipped on a server that we did not start.
  ...(process.env.CI && { coverageThreshold: { global: { branches: 95 } } }),
};
