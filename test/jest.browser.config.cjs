const { projects, ...suite } = require('./jest.config.cjs');

const endToEnd = projects.find(({ displayName }) => displayName === 'e2e');

// As the end-to-end tests, with the same stores, but apart from `npm test`: it needs a browser.
module.exports = {
  ...suite,
  // One browser at a time is load enough for two cores.
  maxWorkers: 1,
  testTimeout: 120_000,
  projects: [
    {
      ...endToEnd,
      displayName: 'browser',
      roots: ['<rootDir>/test/browser'],
      // Functions of these two are sent to the browser as text, so they stay as they were published.
      transformIgnorePatterns: ['/node_modules/(?:playwright-core|axe-core)/'],
    },
  ],
};
