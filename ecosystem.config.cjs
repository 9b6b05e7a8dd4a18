// PM2: pm2 start ecosystem.config.cjs --env production
// The settings come from .env or the environment; production needs REDIS_URL, DATABASE_URL and HOLDFAST_BOOTSTRAP_KEY.
const shared = {
  script: 'dist/main.js',
  node_args: '--enable-source-maps',
  // longer than SHUTDOWN_TIMEOUT_MS, or jobs are cut off
  kill_timeout: 40_000,
  env_production: { NODE_ENV: 'production' },
};

module.exports = {
  apps: [
    { ...shared, name: 'holdfast-api', exec_mode: 'cluster', instances: 2, env: { ROLE: 'api', PORT: 3000 } },
    {
      ...shared,
      name: 'holdfast-worker',
      exec_mode: 'fork',
      instances: 4,
      env: { ROLE: 'worker', PORT: 3101 },
      // each worker serves its probes on a port of its own
      increment_var: 'PORT',
    },
  ],
};
